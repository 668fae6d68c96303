"""Reads what started a process from its control group: systemd unit, container, login session. Pure."""

from typing import NamedTuple

from tightship_probe.patterns import Pattern

_CONTAINER = Pattern(
    r"^(?:docker|libpod|crio|cri-containerd|nerdctl|containerd)-([0-9a-f]{12,64})(?:\.scope)?$|^([0-9a-f]{64})$"
)
_SESSION = Pattern(r"^session-c?\d+\.scope$")
_USER_MANAGER = Pattern(r"^user@(\d+)\.service$")

SHORT_ID = 12
"""Of a container's id, as `docker ps` shows it."""


class Place(NamedTuple):
    """Where in the tree of control groups a process stands. Empty: not there."""

    unit: str = ""
    """systemd unit, only .service"""
    of_user: bool = False
    """the unit is one of a user's own systemd"""
    container: str = ""
    """short id or name"""
    session: bool = False
    """in the scope of a person's login"""


def place_of(text):
    """The `Place` that the text of /proc/PID/cgroup tells; layouts v1, v2 and hybrid."""
    return _place(_path(text))


def _path(text):
    """The path that systemd keeps: name=systemd of v1 and hybrid, the only one of v2."""
    unified = longest = ""
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "name=systemd" and path != "/":
            return path
        if not controllers:
            unified = path
        longest = max(longest, path, key=len)
    # Docker without systemd knows only v1 controllers: any of them names the container.
    return unified if unified not in ("", "/") else longest


def _place(path):
    unit, of_user, container, session = "", False, "", False
    user_manager = False
    steps = [step for step in path.split("/") if step]
    for at, step in enumerate(steps):
        found = _container(steps, at)
        if found:
            unit, of_user, container, session, user_manager = "", False, found, False, False
        elif _USER_MANAGER.match(step):
            unit, user_manager = "", True
        elif step.endswith(".service"):
            unit, of_user = step, user_manager
        elif step.endswith(".scope"):
            unit, of_user, session = "", False, _SESSION.match(step) is not None
    return Place(unit, of_user, container, session)


def _container(steps, at):
    step = steps[at]
    if step.startswith("lxc.payload."):
        return step[len("lxc.payload.") :]
    if at and steps[at - 1] == "lxc":
        return step
    match = _CONTAINER.match(step)
    return (match.group(1) or match.group(2))[:SHORT_ID] if match else ""
