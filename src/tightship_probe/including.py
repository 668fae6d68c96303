"""Files of a configuration that includes others: by patterns, in bounds, each once in a chain."""

import fnmatch
import os

from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.tree import Missing, Unreadable

MOST_FILES = 1000
MOST_BYTES = 1024 * 1024
DEEPEST = 12


class Files(object):
    """What was read, and what could not be. `folder`: from where relative names go out."""

    def __init__(self, tree, folder):
        self.tree = tree
        self.folder = folder
        self.unread = []
        """[{what, why}]"""
        self.missed = 0
        """how often something of the configuration was not had"""
        self._left = MOST_FILES

    def miss(self, what, why):
        self.missed += 1
        self.say(what, why)

    def say(self, what, why):
        """Tell what is in doubt, though it was read."""
        if len(self.unread) < MOST_TOLD:
            self.unread.append({"what": what, "why": str(why)})

    def text(self, path, depth=0):
        """A file's text; "" where it can't be read, which is told."""
        if depth > DEEPEST:
            self.miss(path, "included too deeply, or by itself")
            return ""
        self._left -= 1
        if self._left < 0:
            if self._left == -1:
                self.miss(path, "more than %d files are included" % MOST_FILES)
            return ""
        try:
            return os.fsdecode(self.tree.read(path, MOST_BYTES))
        except Unreadable as why:
            self.miss(path, why)
            return ""

    def matching(self, name, where):
        """Paths that an include names, in their order; one that must be there and is not is told."""
        pattern = os.path.normpath(os.path.join(self.folder, name))
        if not _has_pattern(pattern):
            return [pattern]
        found = ["/"]
        for step in pattern.strip("/").split("/"):
            found = [path for place in found for path in self._below(place, step, where)][:MOST_FILES]
        return found

    def _below(self, place, step, where):
        if not _has_pattern(step):
            return [os.path.join(place, step)]
        try:
            with self.tree.directory(place) as directory:
                names = directory.names()
        except Missing:
            return []
        except Unreadable as why:
            self.miss("%s (included by %s)" % (place, where), why)
            return []
        return [
            os.path.join(place, name)
            for name in names
            if fnmatch.fnmatchcase(name, step) and (name[0] != "." or step[0] == ".")
        ]


def _has_pattern(text):
    return any(mark in text for mark in "*?[")
