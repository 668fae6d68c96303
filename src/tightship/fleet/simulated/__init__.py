"""A fleet that does not exist, told in real reports: for `tightship demo`, pictures and benchmarks. Pure.

`story` is a small fleet with sixty days behind it and all that can go wrong in them; `crowd` is as many
servers as are asked for. The same seed and end tell the same, to the byte.
"""
