"""Reads one server: first what nobody can make hang, then each owner's things in a child of its own.

In three rounds, so that whoever makes one hang hides as little as can be: command lines and variables;
then the files of those groups that are applications; then, only where nothing else tells, memory.
"""

import os
import re
import time

from tightship_probe import children, command, groups, kinds, listeners, looking, processes, sites, system
from tightship_probe.concluding import Reader, tree_of
from tightship_probe.patterns import Pattern
from tightship_probe.proc import Proc
from tightship_probe.rights import loaded
from tightship_probe.rounds import OF_SERVER, Rounds, Work
from tightship_probe.started import Started
from tightship_probe.tree import Tree, Unreadable

MOST_GROUPS = 5000
_SECONDS_FOR_MEMORY = 2.0
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_ONESHOT = Pattern(rb"^\s*Type\s*=\s*oneshot\s*$", re.M)
_READER = children.name_of_reader(0).partition(":")[0] + ":"
_OF_ENGINES = "what container engines wrote down"
NAMESPACE = "namespace"
"""How a socket is told that listens in a network namespace of its own: it takes no port of the server."""
_OURS_THAT_STAY = ("serve", "work", "agent", "demo")
"""Verbs of `tightship` under which a scan may run and which are applications like any other."""


class Group(object):
    """A process group: its processes, the first one first, and what is known of it."""

    def __init__(self, some, started, unread):
        self.processes = some
        self.first = some[0]
        self.started = started
        self.unread = unread
        """[{what, why}]"""
        self.command = command.of_process(started)
        self.kind = ""
        self.sockets = []
        """[(`Socket`, how)]"""
        self.supervised = False
        self.concluded = {}
        """what `concluding` found in its files"""

    @property
    def pids(self):
        return [process.pid for process in self.processes]

    @property
    def supervisor(self):
        """GROUP:PROGRAM of supervisord; empty where it does not say."""
        variables = self.started.variables or {}
        name = variables.get("SUPERVISOR_PROCESS_NAME", "")
        return "%s:%s" % (variables.get("SUPERVISOR_GROUP_NAME") or name, name) if name else ""


class Scan(object):
    """One reading of a server. `root` is "/" but for tests, where a folder stands for a server."""

    def __init__(self, root="/"):
        self.root = root
        self.proc = Proc(os.path.join(root, "proc"))
        self.at = time.time()
        self.privileged = os.geteuid() == 0
        self.boot_time = system.boot_time(self.proc)
        self.unread = []
        """of the server as a whole"""
        with Tree(root) as tree:
            self.system = system.system(tree, self.proc)
            self.users = system.users(tree)
            self.processes = processes.all_processes(self.proc)
            self.held, unread = listeners.listening(self.proc, self.processes)
            self.unread += unread
            hung = processes.abandoned_readers(self.processes, system.uptime(self.proc))
            self.rounds = Rounds(hung, self.user)
            self._argvs = {}
            self.groups = self._groups()
            self._give_sockets()
            self._give_kinds(tree)
        self.told = {}
        """what was read of the server: interpreters, sites"""
        self.at_rest = {"environments": [], "named": {}, "unread": []}
        """what something names and does not run; and of what runs, what names it"""
        self._containers = None
        """what is known of containers, where there is one"""
        self._conclude()
        self._conclude_from_memory()
        self._conclude_at_rest()
        self.system["pythons"] = self.told.get("interpreters") or []

    def user(self, uid):
        return self.users.get(uid, str(uid))

    # First round: what was started

    def _groups(self):
        told = self._started_of(self._by_owner())
        return [self._group(pids, told) for pids in groups.together(self._members(told))][:MOST_GROUPS]

    def _started_of(self, by_owner):
        """{pid: (`Started`, unread)}."""
        told = {}
        works = [Work(owner, "command lines", self._looks(some)) for owner, some in by_owner]
        for (owner, some), (value, why) in zip(by_owner, self.rounds.read(works)):
            told.update(self._lost(owner, some, why) if value is None else map(_told, value))
        if any(processes.is_apache(started.exe) for started, _unread in told.values()):
            told = loaded("tightship_probe.modwsgi").recognised(told, self.held, self.processes)
        return told

    def _by_owner(self):
        found = {}
        for process in self.processes.values():
            if processes.may_be_python(process) and not self._is_ours(process):
                found.setdefault(process.uid, []).append(process)
        return sorted(found.items())

    def _is_ours(self, process):
        """Whether it is this scan, or a reader. Only root's may call themselves so and be believed."""
        named = process.comm.startswith(_READER) and process.real_uid == os.getuid()
        return named or process.pid == os.getpid()

    def _looks(self, some):
        return lambda: looking.look_at_all(self.proc, some, self.boot_time)

    def _pythons(self):
        with Tree(self.root) as tree:
            return system.pythons(tree)

    def _lost(self, owner, some, why):
        """What is known of an owner's processes when nothing of them could be read."""
        self.unread.append({"what": "processes of " + self.user(owner), "why": why})
        for process in some:
            if process.seen and processes.is_python(process.exe):
                variables, no = None, [{"what": "command line, variables and files", "why": why}]
                started = Started(
                    process.pid, process.uid, [], "", process.exe, process.cwd, variables, [], [], 0.0
                )
                yield process.pid, (started, no)

    def _members(self, told):
        found = {}
        for pid, (started, _unread) in told.items():
            process = self.processes[pid]
            understood = command.of_process(started)
            found[pid] = groups.Member(
                pid,
                process.parent,
                process.ticks,
                process.image,
                process.exe,
                process.place,
                started.argv,
                understood,
            )
        return found

    def _group(self, pids, told):
        unread = []
        for pid in pids:
            unread += [entry for entry in told[pid][1] if entry not in unread]
            self._argvs[pid] = told[pid][0].argv
        # PyInstaller's first process only waits for the second, which says more.
        telling = next((pid for pid in pids if told[pid][0].libpython), pids[0])
        started = told[telling][0]
        parent = self.processes.get(self.processes[pids[0]].parent)
        if (
            parent is not None
            and parent.exe == started.exe
            and command.of_process(started).program == "uwsgi"
        ):
            started = started._replace(parents_cwd=parent.cwd)
        return Group([self.processes[pid] for pid in pids], started, unread)

    def workers(self, group):
        """How many processes do its work beside the first."""
        return sum(1 for pid in group.pids[1:] if groups.works(self._argvs[pid]))

    # What they are

    def _give_sockets(self):
        """A listening socket is the oldest group's that holds it; a supervisor's only if no other does."""
        of = {pid: group for group in self.groups for pid in group.pids}
        for held in self.held:
            holders = {id(of[pid]): of[pid] for pid in held.pids if pid in of}
            if holders and not listeners.passes_by(held.socket.path):
                group = min(holders.values(), key=_by_age)
                how = "systemd" if 1 in held.pids else "process" if held.ours else NAMESPACE
                group.sockets.append((held.socket, how))

    def others(self):
        """`Held` sockets that belong to no process group."""
        known = {pid for group in self.groups for pid in group.pids}
        return [held for held in self.held if not known.intersection(held.pids)]

    def _give_kinds(self, tree):
        of = {pid: group for group in self.groups for pid in group.pids}
        ours = self._ours(of)
        self.groups = [group for group in self.groups if group not in ours]
        for group in sorted(self.groups, key=lambda group: group.first.ticks):
            above = processes.ancestors(group.first, self.processes)
            names = [process.comm for process in above]
            group.supervised = bool(group.supervisor) or _is_supervisor(of.get(group.first.parent), names)
            parent = of.get(group.first.parent)
            group.kind = kinds.kind_of(
                group.command,
                kinds.Around(
                    exe=group.first.exe,
                    place=group.first.place,
                    terminal=group.first.terminal,
                    listens=bool(group.sockets),
                    supervised=group.supervised,
                    oneshot=_is_oneshot(tree, group.first.place),
                    above=names,
                    orphan=group.first.parent <= 1,
                    below_application=parent is not None and _serves(parent),
                ),
            )

    def _ours(self, of):
        """Groups of whoever started us: `tightship scan` is no application."""
        own = self.processes.get(os.getpid()) if self.proc.real else None
        above = (
            [of[process.pid] for process in processes.ancestors(own, self.processes) if process.pid in of]
            if own
            else []
        )
        return [group for group in above if _is_tightship_for_a_moment(group.command)]

    # Second and third round: files, memory

    def _conclude(self):
        """Files of the groups, and those of the server that might hang: /opt may be anybody's."""
        wanted = [group for group in self.groups if group.kind in (kinds.APPLICATION, kinds.SYSTEM)]
        numbers = {what: number for number, what in OF_SERVER.items()}
        of_server = [Work(numbers[what], what, do) for what, do in self._of_server()]
        answers = self._conclude_some(
            "files", [group for group in wanted if group.started.start_time], of_server
        )
        for work, (value, why) in zip(of_server, answers):
            self.told[work.what] = value
            if value is None:
                self.unread.append({"what": work.what, "why": why})
        # An Apache that has mod_wsgi loaded, and runs nothing in its own processes, is no application.
        self.groups = [group for group in self.groups if not _is_bare_apache(group)]

    def _of_server(self):
        """(what, work): what is read of the server itself, and might hang."""
        yield "interpreters", self._pythons
        masters = sites.masters(self.processes)
        if masters:
            yield "sites", lambda: sites.read(self.proc, masters, self._tree_of)
        # Loaded before the reader is started: both go on with it.
        atrest = loaded("tightship_probe.atrest")
        yield "what is named", lambda: atrest.named(self.root)
        if any(group.first.place.container for group in self.groups):
            containers = loaded("tightship_probe.containers")
            self._containers = containers.Containers(self.groups, self.processes, self.held)
            yield _OF_ENGINES, lambda: self._containers.read(self.root, self.proc)

    def container(self, group):
        """The name of a group's container, else its id; empty: in none."""
        inside = group.first.place.container
        return self._containers.name(inside, self.told.get(_OF_ENGINES)) if self._containers else inside

    def published(self, group):
        """Listeners of the server that lead to a group in a container, and what of them is unread."""
        is_within = any(how == NAMESPACE for _socket, how in group.sockets)
        if not is_within or not group.first.place.container or not self._containers:
            return [], []
        return self._containers.published(group, self.told.get(_OF_ENGINES))

    def _conclude_at_rest(self):
        """What units, crontabs and supervisors name, but for what runs."""
        found = self.told.get("what is named")
        if found is None:
            return
        self.at_rest["unread"] += found["unread"]
        atrest = loaded("tightship_probe.atrest")
        works = atrest.works_of(self.root, found, self._of_supervisors(), self.running())
        for work, (value, why) in zip(works, self.rounds.read(works)):
            if value is None:
                what = OF_SERVER.get(work.owner) or "environments at rest of " + self.user(work.owner)
                self.unread.append({"what": what, "why": why})
                continue
            for part in ("environments", "unread"):
                self.at_rest[part] += value[part]
            for what, by in value["named"].items():
                found["running"].setdefault(what, []).extend(by)
        self.at_rest["named"] = found["running"]

    def running(self):
        """{what a unit or program is known by: its groups}, of those that stand in the state."""
        found = {}
        for group in self.groups:
            if group.kind in (kinds.APPLICATION, kinds.SYSTEM) and not group.first.place.container:
                found.setdefault(self._runs_as(group), []).append(group)
        return found

    def _runs_as(self, group):
        place = group.first.place
        if group.supervisor:
            return "supervisor:" + group.supervisor
        if not place.unit or group.supervised:
            return ""
        return ("user:%s " % self.user(group.first.uid) if place.of_user else "") + "unit:" + place.unit

    def _of_supervisors(self):
        """[(uid, script, arguments, cwd, variables)] of running ones."""
        return [
            (
                group.first.uid,
                group.command.script,
                group.command.arguments,
                group.started.cwd,
                group.started.variables,
            )
            for group in self.groups
            if group.command.program == "supervisord" and not group.first.place.container
        ]

    def _tree_of(self, process, limits):
        return tree_of(self.proc, self.root, process, limits)

    def _conclude_from_memory(self):
        wanted = []
        for group in self.groups:
            environment = group.concluded.get("environment")
            if environment is not None and group.first.seen and _is_in_doubt(group, environment):
                wanted.append(group)
        self._conclude_some("memory", wanted, (), _SECONDS_FOR_MEMORY)

    def _conclude_some(self, what, some, others, seconds=children.SECONDS):
        """Read the files, or memory, of groups. Gives the answers to `others`, works of the same round."""
        by_owner = {}
        for group in some:
            by_owner.setdefault(group.first.uid, []).append(group)
        owners = sorted(by_owner.items())
        works = list(others)
        for owner, owned in owners:
            reader = Reader(self.proc, self.root, [(group.first, group.started) for group in owned])
            works.append(Work(owner, what, reader.read if what == "files" else reader.read_memory_first))
        answers = self.rounds.read(works, seconds)
        for (_owner, owned), (value, why) in zip(owners, answers[len(others) :]):
            for group in owned:
                self._take(group, value[str(group.first.pid)] if value else None, what, why)
        return answers[: len(others)]

    def _take(self, group, concluded, what, why):
        if concluded is None:
            group.unread.append({"what": what + " of the process", "why": why})
        elif "environment" in concluded or not group.concluded:
            group.concluded = concluded


def _is_bare_apache(group):
    if group.command.program != "mod_wsgi" or group.started.wsgi:
        return False
    wsgi = (group.concluded.get("environment") or {}).get("wsgi")
    return wsgi is not None and not wsgi[1]  # None: what it runs could not be read


def _told(entry):
    fields, unread = entry
    started = Started(*fields)
    return started.pid, (started, unread)


def _is_in_doubt(group, environment):
    """Whether the environment is not known, or only guessed from the interpreter behind a title."""
    if not environment["path"]:
        return True
    guessed = any(entry["what"] == "interpreter" and entry["how"] == "exe" for entry in environment["how"])
    return guessed and looking.hides(group.started)


def _by_age(group):
    return (group.command.program in command.SUPERVISORS, group.first.ticks, group.first.pid)


def _is_supervisor(parent, above):
    names = above[:1] if parent is None else [parent.command.program]
    return any(name in command.SUPERVISORS for name in names)


def _serves(group):
    if group.command.program in command.SUPERVISORS:
        return False  # circusd holds the sockets that it hands to its children
    return group.command.type in ("web", "worker", "beat") or bool(group.sockets)


def _is_tightship_for_a_moment(understood):
    words = understood.arguments
    return understood.program == "tightship" and bool(words) and words[0] not in _OURS_THAT_STAY


def _is_oneshot(tree, place):
    """Whether a unit runs once and ends, as those of timers do. Read from its file: systemd is not asked."""
    if not place.unit or place.of_user or place.container:
        return False
    template = re.sub(r"@.*\.", "@.", place.unit)
    for folder in _UNIT_FOLDERS:
        for name in dict.fromkeys((place.unit, template)):
            try:
                return _ONESHOT.search(tree.read("%s/%s" % (folder, name), 65536)) is not None
            except Unreadable:
                continue
    return False
