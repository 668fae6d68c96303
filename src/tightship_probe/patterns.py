"""Regular expressions that are compiled when they are first asked: a server needs a third of the hundred.

Compiling all of them takes longer than reading an environment of a hundred packages.
"""

import re


class Pattern:
    """What `re.compile` gives, later. `flags` as there."""

    def __init__(self, text, flags=0):
        self._said = (text, flags)

    def __getattr__(self, name):
        compiled = re.compile(*self._said)
        # From now on they are found without coming here.
        for method in ("match", "search", "fullmatch", "findall", "finditer", "split", "sub"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)
