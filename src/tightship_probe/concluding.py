"""What a reader concludes from the files of one owner's process groups. Runs in that owner's child."""

import os

from tightship_probe import (
    environments,
    escape,
    frozen,
    groups,
    looking,
    names,
    packages,
    processes,
    releases,
    stale,
)
from tightship_probe.command import of_process
from tightship_probe.namespaces import reader_of
from tightship_probe.proc import reason
from tightship_probe.tree import Limits, Tree, Unreadable

SECONDS = 4.0
"""Less than a child has: what was read until then is still told."""


def tree_of(proc, root, process, limits):
    """The files of a process, as it sees them; those below `root` where its own root is not to be had."""
    if not proc.real or not process.seen:
        return Tree(root, limits)
    try:
        fd = os.open("%s/%d/root" % (proc.path, process.pid), os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError as error:
        raise reason(error)
    if processes.started(proc, process.pid) != process.ticks:
        os.close(fd)
        raise Unreadable("the process ended")
    return Tree(fd, limits, owned=True, reader=reader_of(proc.path, process.pid, process.uid))


class Reader(object):
    """Reads the files of one owner's process groups, told by the first process of each."""

    def __init__(self, proc, root, some):
        """`some`: [(process, started)]; `root`: that of the server, for those whose own is not to be had."""
        self.proc = proc
        self.root = root
        self.some = some
        self.limits = Limits(SECONDS)
        self._packages = {}

    def read(self):
        """{pid: what was concluded}, as JSON."""
        return {process.pid: self._of_process(process, started) for process, started in self.some}

    def read_memory_first(self):
        """The same with AT_EXECFN, which can hang for good: only where there is no other way to tell."""
        for place, (process, started) in enumerate(self.some):
            try:
                path = looking.execfn(self.proc, process)
            except (Unreadable, OSError, ValueError):
                continue
            self.some[place] = (process, started._replace(execfn=path))
        return self.read()

    def _of_process(self, process, started):
        unread = []
        try:
            started = looking.with_maps(self.proc, process, started, unread)
            with self._tree(process) as tree:
                found = self._of_files(tree, started)
        except Unreadable as why:
            unread.append({"what": "files of the process", "why": str(why)})
            return {"unread": unread}
        if self.limits.exceeded:
            unread.append({"what": "files of the process", "why": self.limits.exceeded})
        found["unread"] = unread + found["unread"]
        return found

    def _tree(self, process):
        return tree_of(self.proc, self.root, process, self.limits)

    def _of_files(self, tree, started):
        environment = environments.environment_of(tree, started)
        bundle = environment.pop("bundle", "")
        found = self._packages_on(tree, [bundle] if bundle else environment["path"])
        if bundle:
            found = frozen.packages_of(environment, found)
        cwd = environment.get("place") or processes.without_deleted(started.cwd)
        base = groups.base_of(cwd, environment["prefix"])
        told = [{"name": escape.name(name), "how": "module"} for name in environment.get("modules", ())]
        told += names.names_from_files(tree, cwd, base)
        command = of_process(started)
        # `python -m celery` runs celery, which is not the application.
        module = command.target or ("" if command.runner else command.module)
        known = [name["name"] for name in told] + [module, os.path.basename(base)]
        released, missing = releases.releases_of(
            tree, cwd, base, found["lines"] or [], [name for name in known if name]
        )
        return {
            "environment": environment,
            "packages": found["lines"],
            "packages_unread": found["unread"],
            "names": told,
            "releases": released,
            "stale": stale.stale_signs(started, found["installed"], environment["path"]),
            "unread": environment["unread"] + missing,
        }

    def _packages_on(self, tree, path):
        """Packages of an import path; many processes share one."""
        status = os.fstat(tree.root)
        key = (status.st_dev, status.st_ino, tuple(path))
        if key not in self._packages:
            self._packages[key] = packages.packages_on(tree, path)
        return self._packages[key]
