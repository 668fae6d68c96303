"""Environments at rest: a unit, timer, crontab or supervisor names them, but they do not run now.

What such a command would get is concluded by the same rules as for a process that lives.
"""

from tightship_probe import crontabs, environments, packages, supervisorconf, unitfiles
from tightship_probe.commands import PATH, python_of
from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.escape import harmless, name
from tightship_probe.started import VARIABLES, Started
from tightship_probe.tree import Limits, Tree, Unreadable

MOST = 500
"""Commands that are followed."""
_SECONDS = 3.0
_OF_SYSTEM = ("/usr/", "/etc/cron.", "/lib/", "/bin/", "/sbin/")


def read(root, of_supervisor):
    """{"environments": [...], "unread": [...]}. `of_supervisor`: configuration files of those that run."""
    with Tree(root, Limits(_SECONDS)) as tree:
        users = _users(tree)
        homes = {user: home for user, (_uid, home) in users.items()}
        found, unread = [], []
        for some, missing in (
            unitfiles.named(tree, homes),
            crontabs.named(tree, homes),
            supervisorconf.named(tree, homes, of_supervisor),
        ):
            found += some
            unread += missing
        told = _environments(tree, found[:MOST], users)
        if len(found) > MOST:
            unread.append({"what": "commands of units and crontabs", "why": "more than %d" % MOST})
        if tree.limits.exceeded:
            unread.append({"what": "units and crontabs", "why": tree.limits.exceeded})
    unread = [{"what": harmless(one["what"]), "why": harmless(one["why"])} for one in unread]
    return {"environments": told, "unread": unread[:MOST_TOLD]}


def _users(tree):
    """user -> (uid, home)."""
    try:
        text = tree.read("/etc/passwd", 4 * 1024 * 1024).decode("utf-8", "surrogateescape")
    except Unreadable:
        return {}
    fields = [line.split(":") for line in text.split("\n")]
    return {one[0]: (int(one[2]), one[5]) for one in fields if len(one) > 6 and one[2].isdigit()}


def _environments(tree, some, users):
    """Each environment once, with all that name it."""
    found = {}
    for named in some:
        if tree.limits.exceeded:
            break
        command = python_of(tree, named)
        if command is None:
            continue
        environment = environments.environment_of(tree, _as_if_started(command, users))
        if not environment["path"] or _is_of_system(environment, command.argv):
            continue
        key = environment["key"], tuple(environment["path"])
        if key not in found:
            here = packages.packages_on(tree, environment["path"])
            found[key] = {
                "environment": environment,
                "packages": here["lines"],
                "packages_unread": here["unread"],
                "named_by": [],
            }
        by = found[key]["named_by"]
        by += [name(one) for one in command.by if name(one) not in by]
    return list(found.values())


def _as_if_started(command, users):
    """What a process would have been started with."""
    uid, home = users.get(command.user, (0, "/"))
    variables = {name: value for name, value in command.variables.items() if name in VARIABLES}
    variables.setdefault("HOME", home)
    variables.setdefault("PATH", PATH)
    return Started(
        pid=0,
        uid=uid,
        argv=command.argv,
        execfn="",
        exe="",
        cwd=command.cwd,
        variables=variables,
        libraries=[],
        deleted=[],
        start_time=0.0,
    )


def _is_of_system(environment, argv):
    """A script of the operating system, or of nobody, in the operating system's environment."""
    script = next((word for word in argv[1:] if not word.startswith("-")), "")
    is_its_own = script.startswith(_OF_SYSTEM) and not script.startswith("/usr/local/")
    return environment["kind"] == "system" and (not script or is_its_own)
