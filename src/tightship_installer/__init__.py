"""Puts one release of one application in place on one server, or takes it back.

Standard library only, Python 3.6 and later; JSON in, JSON lines out. Still empty.
"""
