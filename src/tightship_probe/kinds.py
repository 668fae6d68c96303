"""Which process groups are applications, and which are somebody's shell or pass by. Pure."""

from typing import List, NamedTuple

from tightship_probe.cgroups import Place
from tightship_probe.command import SUPERVISORS
from tightship_probe.patterns import Pattern

APPLICATION, SYSTEM, SESSION, PASSING = "application", "system", "session", "passing"

_CRON = frozenset(["cron", "crond", "atd", "anacron", "fcron", "CRON"])
_PACKAGE_MANAGERS = frozenset(
    "apt apt-get aptitude dpkg dnf yum rpm zypper apk pacman snap apt.systemd.dai packagekitd "
    "unattended-upgr".split()
)
_TOOLS = frozenset(
    "pip pip3 uv uvx pipx tox nox pytest py.test ansible-playbook buildout mypy venv virtualenv poetry hatch "
    "build ensurepip unittest pdb IPython ipython".split()
)
"""Programs that come and go: what they do is no application."""

_INITS = frozenset(
    "systemd init tini dumb-init docker-init catatonit conmon containerd-shim runsv supervise s6-supervise "
    "monit start-stop-daem".split()
)
_OF_THE_SYSTEM = Pattern(r"/usr/(?:bin|sbin|lib|libexec|share)/")
_SYSTEMS_PYTHON = Pattern(r"/usr/(?:bin/python|libexec/platform-python)")


class Around(NamedTuple):
    """What stands around a process group."""

    exe: str
    """of its first process; empty: not ours to see"""
    place: Place
    terminal: bool
    listens: bool
    supervised: bool
    oneshot: bool
    """its unit runs once and ends"""
    above: List[str]
    """names of the processes above the first one, its parent first"""
    orphan: bool
    """its parent is init"""
    below_application: bool
    """its parent belongs to a server or a worker"""


def kind_of(command, around):
    """application, system, session or passing."""
    if command.program in SUPERVISORS:
        return SYSTEM
    if _is_of_the_system(command, around):
        return SYSTEM if around.listens else _lasting(command, around, SYSTEM)
    if around.listens or command.type in ("worker", "beat"):
        return APPLICATION
    return _lasting(command, around, APPLICATION)


def _is_of_the_system(command, around):
    """A script of the operating system, run by its Python. Known servers are judged by what they run."""
    if command.runner or not _OF_THE_SYSTEM.match(command.script):
        return False
    return not around.exe or _SYSTEMS_PYTHON.match(around.exe) is not None


def _lasting(command, around, kind):
    """`kind` for what is there to stay, session or passing for what is not."""
    above = set(around.above)
    if command.program in _TOOLS or around.oneshot or above & _CRON or above & _PACKAGE_MANAGERS:
        return PASSING
    if around.terminal or around.place.session:
        return SESSION
    if command.type == "web":
        return kind  # also where its listener is not ours to see
    if around.below_application:
        return PASSING
    if around.supervised or around.place.unit:
        return kind
    if command.interactive:
        return SESSION
    if around.orphan or _INITS.intersection(around.above[:1]):
        return kind
    return PASSING
