"""Environments at rest: a unit, timer, crontab or supervisor names them, but they do not run now.

What such a command would get is concluded by the same rules as for a process that lives. In two steps,
so that whoever makes a reader hang hides nothing but his own: what is named, from files of root's and the
crontabs; then, for each user, what his commands lead to.
"""

from tightship_probe import commands, crontabs, environments, packages, unitfiles
from tightship_probe.command import understood
from tightship_probe.commands import Named, SetAside
from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.escape import harmless, name
from tightship_probe.rights import loaded
from tightship_probe.rounds import OF_SERVER, Work
from tightship_probe.shellwords import PATH
from tightship_probe.started import VARIABLES, Started
from tightship_probe.tree import Limits, Tree, Unreadable

MOST = 500
"""Commands that are followed, of one user."""
_OF_SUPERVISOR = ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf")
_OF_ROOT = next(number for number, what in OF_SERVER.items() if what == "what root has at rest")
_UNKNOWN = 0xFFFFFFFC
"""Stands for users whom the server does not know."""
_SECONDS = 3.0


def read(root, of_supervisors=()):
    """{"environments": [...], "unread": [...]}: both steps at once."""
    found = named(root)
    works = works_of(root, found, of_supervisors, ())
    answers = [work.do() for work in works]
    return {
        "environments": [one for answer in answers for one in answer["environments"]],
        "unread": found["unread"] + [one for answer in answers for one in answer["unread"]],
    }


# What is named


def named(root):
    """{"commands": [`Named` as lists], "users": {user: [uid, home]}, "lingering": [...], "unread": [...]}."""
    with Tree(root, Limits(_SECONDS)) as tree:
        users = _users(tree)
        homes = {user: home for user, (_uid, home) in users.items()}
        found, unread = [], []
        local = commands.local_programs(tree)
        places = [place for place in _OF_SUPERVISOR if tree.exists(place)]
        sources = [unitfiles.named(tree, homes), crontabs.named(tree, homes)]
        if places:
            sources.append(_of_supervisor(tree, homes, places))
        for some, missing in sources:
            found += [list(one) for one in some if commands.may_be_python(one, local)]
            unread += missing
        lingering = unitfiles.lingering(tree, homes)
        if tree.limits.exceeded:
            unread.append({"what": "units and crontabs", "why": tree.limits.exceeded})
    wanted = {one[3] for one in found}.union(lingering)
    kept = {user: told for user, told in users.items() if user in wanted or user == "root"}
    return {"commands": found, "users": kept, "lingering": lingering, "unread": _harmless(unread)}


def _of_supervisor(tree, homes, places, variables=None, user="root"):
    supervisorconf = loaded("tightship_probe.supervisorconf")  # not every server has one
    return supervisorconf.named(tree, homes, places, variables or {}, user)


def _users(tree):
    """user, by name and by number -> (uid, home)."""
    try:
        text = tree.read("/etc/passwd", 4 * 1024 * 1024).decode("utf-8", "surrogateescape")
    except Unreadable:
        return {}
    found = {}
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) > 6 and fields[2].isdigit():
            for user in (fields[0], fields[2]):
                found.setdefault(user, (int(fields[2]), fields[5]))
    return found


# Where it leads


def works_of(root, found, of_supervisors, living):
    """A `Work` for each user with commands to follow. `found`: what `named` gave.

    `of_supervisors`: (uid, script, arguments, cwd, variables) of those that run; `living`: what groups that
    run are known by, which need no following. What names those is added to `found`, as "running".
    """
    users = {user: tuple(told) for user, told in found["users"].items()}
    by_owner = {}
    running = found["running"] = {}
    for fields in found["commands"]:
        one = Named(*fields)
        known = [what for what in one.runs_as if what in living]
        for what in known:
            running.setdefault(what, []).extend(one.by)
        if not known:
            owner = users.get(one.user, (_UNKNOWN, ""))[0] or _OF_ROOT
            by_owner.setdefault(owner, ([], [], []))[0].append(one)
    for user in found["lingering"]:
        by_owner.setdefault(users[user][0] or _OF_ROOT, ([], [], []))[1].append(user)
    for one in of_supervisors:
        by_owner.setdefault(one[0] or _OF_ROOT, ([], [], []))[2].append(one)
    return [
        Work(owner, "environments at rest", _Following(root, users, living, *of_owner).read)
        for owner, of_owner in sorted(by_owner.items())
    ]


class _Following(object):
    """Follows the commands of one owner. Runs in a reader of his."""

    def __init__(self, root, users, living, some, of_users, of_supervisors):
        self.root = root
        self.users = users
        self.living = frozenset(living)
        self.some = some
        self.of_users = of_users
        self.of_supervisors = of_supervisors
        self.unread = []
        self.found = {}

    def read(self):
        """{"environments": [...], "named": {what runs: [what names it]}, "unread": [...]}."""
        named = {}
        with Tree(self.root, Limits(_SECONDS)) as tree:
            some = [*self.some, *self._more(tree)]
            for one in some[:MOST]:
                running = self.living.intersection(one.runs_as)
                for what in running:
                    named.setdefault(what, []).extend(one.by)
                if not running and not tree.limits.exceeded:
                    self._follow(tree, one)
            if len(some) > MOST:
                self.unread.append({"what": "commands of units and crontabs", "why": "more than %d" % MOST})
            if tree.limits.exceeded:
                self.unread.append({"what": "units and crontabs", "why": tree.limits.exceeded})
        told = list(self.found.values())
        return {"environments": told, "named": named, "unread": _harmless(self.unread)}

    def _more(self, tree):
        """Commands of files that are this owner's own."""
        if self.of_supervisors:
            self.users.update(_users(tree))
        homes = {user: home for user, (_uid, home) in self.users.items()}
        found = []
        for user in self.of_users:
            some, missing = unitfiles.named_of_user(tree, homes, user)
            found += some
            self.unread += missing
        for uid, script, arguments, cwd, variables in self.of_supervisors:
            path = loaded("tightship_probe.supervisorconf").given(tree, arguments, script, cwd)
            if path and path not in _OF_SUPERVISOR:
                user = next((user for user, told in self.users.items() if told[0] == uid), "root")
                some, missing = _of_supervisor(tree, homes, [path], variables, user)
                found += some
                self.unread += missing
        return [one for one in found if commands.may_be_python(one, ())]

    def _follow(self, tree, one):
        try:
            command = commands.python_of(tree, one)
        except SetAside as why:
            self._miss(one, why)
            return
        if command is None:
            return
        started = _as_if_started(tree, command, self.users)
        environment = environments.environment_of(tree, started)
        if not environment["path"]:
            self._miss(one, "; ".join(entry["why"] for entry in environment["unread"]))
        elif not _is_of_system(environment, started.argv):
            self._add(tree, environment, command.by)

    def _miss(self, one, why):
        entry = {"what": "what %s names" % ", ".join(one.by), "why": str(why)}
        if len(self.unread) < MOST_TOLD and entry not in self.unread:
            self.unread.append(entry)

    def _add(self, tree, environment, by):
        key = environment["key"], tuple(environment["path"])
        if key not in self.found:
            here = packages.packages_on(tree, environment["path"])
            self.found[key] = {
                "environment": environment,
                "packages": here["lines"],
                "packages_unread": here["unread"],
                "named_by": [],
            }
        named_by = self.found[key]["named_by"]
        named_by += [name(one) for one in by if name(one) not in named_by]


def _as_if_started(tree, command, users):
    """What a process would have been started with."""
    uid, home = users.get(command.user, (_UNKNOWN, "/"))
    variables = {name: value for name, value in command.variables.items() if name in VARIABLES}
    variables.setdefault("HOME", home)
    variables.setdefault("PATH", PATH)
    try:
        exe = tree.real(command.program)
    except Unreadable:
        exe = ""
    return Started(
        pid=0,
        uid=uid,
        argv=command.argv,
        execfn="",
        exe=exe,
        cwd=command.cwd,
        variables=variables,
        libraries=[],
        deleted=[],
        start_time=0.0,
    )


def _is_of_system(environment, argv):
    """A script of the operating system, or no script at all, in the operating system's environment."""
    command = understood(argv)
    if environment["kind"] != "system" or command.runner or command.module:
        return False
    return not command.script or commands.is_of_system(command.script)


def _harmless(unread):
    return [{"what": harmless(one["what"]), "why": harmless(one["why"])} for one in unread[:MOST_TOLD]]
