"""What is being concluded about one process: its files, its command line, and the evidence so far."""

import os

from tightship_probe.command import of_process
from tightship_probe.tree import Unreadable

_DELETED = " (deleted)"
MOST_TOLD = 100
"""Entries of evidence of one sort; what a hostile user can multiply ends there, and says so."""


def without_deleted(path):
    """What the kernel calls a deleted file or directory, without its mark."""
    return path[: -len(_DELETED)] if path.endswith(_DELETED) else path


class Conclusion(object):
    """Collects what was concluded (`how`), set aside (`conflict`) and not read (`unread`)."""

    def __init__(self, tree, started):
        self.tree = tree
        self.started = started
        self.command = of_process(started)
        self.cwd = without_deleted(started.cwd)
        self.exe = without_deleted(started.exe)
        self.how, self.conflict, self.unread = [], [], []
        self.archive = ""
        """the archive that it runs, a zipapp or more; empty: none"""
        self.bundle = None
        """(kind, path) of the one file that it was packed in with its packages"""
        self.uwsgi = None
        """settings of uWSGI, once they were read"""
        self.wsgi = None
        """(settings of mod_wsgi,), once they were read"""
        self.modules = []
        """what a configuration file tells the program to run: `shop.wsgi`"""

    def tell(self, what, how, value):
        if len(self.how) < MOST_TOLD:
            self.how.append({"what": what, "how": how, "value": value})

    def doubt(self, what, how, value):
        if len(self.conflict) < MOST_TOLD:
            self.conflict.append({"what": what, "how": how, "value": value})

    def miss(self, what, why):
        if len(self.unread) < MOST_TOLD:
            self.unread.append({"what": what, "why": str(why)})
        elif len(self.unread) == MOST_TOLD:
            self.unread.append({"what": "more", "why": "only the first %d are told" % MOST_TOLD})

    @property
    def isolated(self):
        return "I" in self.command.flags

    def variable(self, name):
        """An environment variable; empty: not set, or not known. Those of Python are not heeded under -E."""
        if name.startswith("PYTHON") and (self.isolated or "E" in self.command.flags):
            return ""
        return (self.started.variables or {}).get(name, "")

    def absolute(self, path):
        """A path of the command line, from where the process was started, or is; "" if found at neither."""
        if path.startswith("/"):
            return os.path.normpath(path)
        for start in (self.cwd, self.start):
            joined = os.path.normpath(os.path.join(start, path))
            if start and self.tree.exists(joined):
                return joined
        return ""

    @property
    def start(self):
        """Where the process was started, as far as it can be told; it may have gone elsewhere since."""
        return self.variable("PWD") or self._start_by_script()

    def _start_by_script(self):
        """From `/srv/shop/venv/bin/python venv/bin/gunicorn`: the script lies beside its interpreter."""
        argv, script = self.started.argv, os.path.dirname(self.command.script)
        beside = os.path.dirname(argv[0]) if argv else ""
        if script.startswith("/") or not beside.startswith("/") or not beside.endswith("/" + script):
            return ""
        return beside[: -len(script) - 1] if script else ""

    def same_file(self, one, other):
        """Whether two paths lead to one file; None where either can't be looked at."""
        try:
            first, second = self.tree.status(one), self.tree.status(other)
        except Unreadable:
            return None
        return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
