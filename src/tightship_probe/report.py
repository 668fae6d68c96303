"""Puts the report together from what a scan has read. Its form is docs/reference/report.md."""

import json
import os
import time

import tightship_probe
from tightship_probe import escape, groups, kinds, listeners, processes, sites, system
from tightship_probe.digests import digest
from tightship_probe.masking import masked
from tightship_probe.scan import Scan

SCHEMA = "tightship.report/1"
MOST_ARGUMENTS = 500
MOST_PASSING = 500
MOST_UNREAD = 50
"""Of one group or environment."""


def document(root="/"):
    """The report as ASCII text, on one line. `root`: a folder that stands for a server."""
    scan = Scan(root)
    state, sets, live = assembled(scan)
    state = to_json(state)
    live["sent"] = _iso(time.time())
    live["cpu"] = round(sum(os.times()[:4]), 3)
    return '{"schema":"%s","digest":"%s","live":%s,"state":%s,"sets":%s}\n' % (
        SCHEMA,
        digest(state),
        to_json(live),
        state,
        _json(sets),
    )


def assembled(scan):
    """(state, sets, live) of a scan."""
    environments = _Environments()
    of_state, passing = [], []
    for group in scan.groups:
        if group.kind in (kinds.APPLICATION, kinds.SYSTEM):
            of_state.append((_group(scan, group, environments), group))
        else:
            passing.append(group)
    environments.add_named(scan, {id(group): told["environment"] for told, group in of_state})
    groups.tell_apart([told for told, _group in of_state])
    of_state.sort(key=lambda pair: pair[0]["key"])
    state = _state(scan, [told for told, _group in of_state], environments)
    live = _live(scan, of_state, passing)
    return state, environments.sets, live


# State


def _group(scan, group, environments):
    process, understood, concluded = group.first, group.command, group.concluded
    place = process.place._replace(container=scan.container(group))
    environment = concluded.get("environment") or {}
    cwd = escape.harmless(processes.without_deleted(group.started.cwd))
    base = groups.base_of(escape.harmless(environment.get("place", "")) or cwd, environment.get("prefix", ""))
    wsgi = environment.get("wsgi")
    if wsgi:
        understood = understood._replace(subcommand=escape.name(wsgi[0]))
    argv = _argv(group)
    user = scan.user(process.uid)
    supervisor = escape.name(group.supervisor)
    published, missing = scan.published(group)
    listening = [socket.listener(how) for socket, how in group.sockets] + published
    who = groups.Identity(understood, place, supervisor, group.supervised, user, cwd, argv)
    return {
        "key": groups.key_of(who),
        "kind": group.kind,
        "type": _type(group, environment),
        "program": escape.name(understood.program),
        "user": user,
        "command": argv,
        "cwd": cwd,
        "base": base,
        "unit": escape.name(place.unit),
        "supervisor": supervisor,
        "container": escape.name(place.container),
        "started": {"boot": scan.system["boot"], "ticks": process.ticks},
        "python": environment.get("python", ""),
        "environment": environments.key_of(environment, concluded, place.container),
        "listeners": listeners.sorted_unique(listening),
        "names": _unique(groups.names_of(understood, place, supervisor, base) + concluded.get("names", [])),
        "releases": concluded.get("releases", []),
        "stale": concluded.get("stale", []),
        "how": environment.get("how", []),
        "conflict": environment.get("conflict", []),
        "unread": _bounded(group.unread + concluded.get("unread", []) + missing),
        "what": groups.what_of(understood),
        "wsgi": _targets(group, wsgi) if wsgi else (),
    }


def _targets(group, wsgi):
    """(pid of Apache's first process, target) of a group of mod_wsgi: where sites lead to it."""
    name, scripts = wsgi
    first = group.started.apache.pid
    return [
        (first, escape.harmless("wsgi:" + one, sites.LONGEST_TARGET)) for one in ([name] if name else scripts)
    ]


def _argv(group):
    return [escape.harmless(argument) for argument in masked(group.started.argv[:MOST_ARGUMENTS])]


def _type(group, environment):
    """Of its command, else of what is run by the bundle that it is; whatever else listens serves, too."""
    known = (group.command.type, environment.get("type", "other"), "web" if _is_web(group) else "other")
    return next((kind for kind in known if kind != "other"), "other")


def _is_web(group):
    return bool(group.sockets) and group.kind == kinds.APPLICATION


def _state(scan, told, environments):
    unread = scan.unread + _hidden(scan)
    of_sites = scan.told.get("sites") or {}
    found_sites = sites.with_groups(of_sites.get("sites", ()), told)
    for group in told:
        del group["what"], group["wsgi"]
    return {
        "system": scan.system,
        "complete": not unread,
        "groups": told,
        "environments": environments.all(),
        "listeners": _others(scan, True, told),
        "sites": found_sites,
        # What of a web server's configuration is not understood leaves nothing else unknown.
        "unread": unread + of_sites.get("unread", []) + _unique(scan.at_rest["unread"]),
    }


def _hidden(scan):
    """What an ordinary user may not see."""
    if scan.privileged:
        return []
    found = []
    if any(not process.seen for process in scan.processes.values()):
        why = "only root may read their variables, files and sockets"
        found.append({"what": "processes of other users", "why": why})
    if system.hides_processes(scan.proc):
        found.append({"what": "/proc", "why": "hidepid: only own processes are visible"})
    return found


_KEEP_PORTS = ("conmon", "docker-proxy")
"""Programs of container engines that listen for a process group in a container, which has the port itself."""


def _others(scan, lasting, told):
    """Listeners of other programs: the lasting ones, or those on ports that the kernel handed out."""
    first, last = listeners.ephemeral_range(scan.proc)
    published = {
        (one["address"], one["port"])
        for group in told
        for one in group["listeners"]
        if one["how"] == "published"
    }
    found = []
    for held in scan.others():
        socket = held.socket
        if socket.protocol != "tcp" or not held.ours or (first <= socket.port <= last) == lasting:
            continue
        process = scan.processes.get(held.pids[0]) if held.pids else None
        program = process.comm if process else ""
        if program not in _KEEP_PORTS or (socket.address, socket.port) not in published:
            found.append(dict(socket.listener(""), program=escape.name(program)))
    return listeners.sorted_unique(found)


class _Environments(object):
    """Environments of a server, each once, under a key of its own. `sets`: digest -> package lines."""

    def __init__(self):
        self.sets = {}
        self._by_content = {}
        self._keys = set()
        self._identities = {}

    def key_of(self, environment, concluded, container):
        """The key under which a group's environment stands; empty where its import path is not known."""
        if not environment.get("path"):
            return ""
        known = concluded["packages"] is not None
        lines = escape.harmless_lines(concluded["packages"] or [])
        named = digest("\n".join(lines)) if known else None
        content = (container, environment["key"], tuple(environment["path"]), named)
        if content not in self._by_content:
            if known:
                self.sets[named] = lines
            key = self._unique(("container:%s " % container if container else "") + environment["key"])
            self._by_content[content] = self._told(key, environment, concluded, named)
            self._identities[key] = environment.get("identity")
        return self._by_content[content]["key"]

    def add_named(self, scan, keys):
        """Those that something names and that are at rest; one that runs, too, is only told to be named.

        `keys`: those of the environments of the groups of the state, by the groups' id().
        """
        living = {one["key"]: one for one in self._by_content.values()}
        for runs_as, some in scan.running().items() if scan.at_rest["named"] else ():
            for key in {keys.get(id(group)) for group in some}.intersection(living):
                _name(living[key], scan.at_rest["named"].get(runs_as, ()))
        order = sorted(
            scan.at_rest["environments"], key=lambda told: (told["environment"]["key"], told["named_by"])
        )
        for told in order:
            one = self._nearest(living.values(), told)
            if one is None:
                key = self.key_of(told["environment"], told, "")
                (one,) = [one for one in self._by_content.values() if one["key"] == key]
                one["at_rest"] = key not in living
                living[key] = one  # the next command in it only names it, too
            _name(one, told["named_by"])

    def _nearest(self, some, at_rest):
        """The environment that is this one, with as little as can be beside it; None: there is none."""
        environment = at_rest["environment"]
        identity, place = environment.get("identity"), environment["key"].partition("+")[0]
        lines = set(escape.harmless_lines(at_rest["packages"] or []))
        found = []
        for told in some:
            # A venv may be reached by two ways. Buildouts share an interpreter, and nothing else.
            of_told = self._identities.get(told["key"]), told["key"].partition("+")[0]
            held = self.sets.get(told["packages"], ())
            if (of_told[0] == identity if identity else of_told[1] == place) and lines.issubset(held):
                is_other = told["key"] != environment["key"]
                found.append((len(held) - len(lines), is_other, told["at_rest"], told["key"], told))
        return min(found)[-1] if found else None

    def _unique(self, key):
        number, unique = 1, escape.name(key)
        while unique in self._keys:
            number += 1
            unique = escape.name("%s #%d" % (key, number))
        self._keys.add(unique)
        return unique

    @staticmethod
    def _told(key, environment, concluded, digest):
        return {
            "key": key,
            "kind": environment["kind"],
            "prefix": environment["prefix"],
            "python": environment["python"],
            "path": environment["path"],
            "packages": digest,
            "at_rest": False,
            "named_by": [],
            "how": environment["how"],
            "unread": _bounded(environment["unread"] + concluded["packages_unread"]),
        }

    def all(self):
        return sorted(self._by_content.values(), key=lambda environment: environment["key"])


def _name(told, by):
    told["named_by"] = sorted({*told["named_by"], *map(escape.name, by)})


# Live


def _live(scan, of_state, passing):
    return {
        "at": _iso(scan.at),
        "probe": tightship_probe.__version__,
        "privileged": scan.privileged,
        "boot_time": scan.boot_time,
        "groups": {told["key"]: _live_group(scan, group) for told, group in of_state},
        "passing": [
            {
                "kind": group.kind,
                "user": scan.user(group.first.uid),
                "command": _argv(group),
                "pids": group.pids,
            }
            for group in passing[:MOST_PASSING]
        ],
        "listeners": _others(scan, False, [told for told, _group in of_state]),
        "puppet": None,
        "abandoned": scan.rounds.abandoned,
    }


def _live_group(scan, group):
    memory = sum(process.memory for process in group.processes)
    return {"pids": sorted(group.pids), "workers": scan.workers(group), "memory": memory}


# Form


def to_json(value):
    """Compact, sorted, plain ASCII, every text in it harmless."""
    text = _json(value)
    return _json(escape.all_harmless(value)) if escape.needs_escaping(text) else text


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _unique(found):
    return [one for place, one in enumerate(found) if one not in found[:place]]


def _bounded(unread):
    found = _unique(unread)
    if len(found) > MOST_UNREAD:
        more = len(found) - MOST_UNREAD
        found = found[:MOST_UNREAD]
        found.append({"what": "%d more" % more, "why": "left out here"})
    return found


def _iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds % 1 * 1000)
