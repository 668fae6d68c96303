"""Concludes what a process group is called: application, stage and base directory. Pure.

The probe reports candidates, each with how it knows. Here they are put in one order, the declared
patterns first; what was set aside stays in the report, to be seen beside the conclusion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from packaging.utils import canonicalize_name

from tightship.fleet.report import Name, ProcessGroup
from tightship.fleet.text import clip

LONGEST = 200
"""Characters of an application's name; it is indexed."""

# Names that projects give to the part that starts them: they say nothing about which project.
GENERIC = frozenset(
    "app application api asgi backend base bin cmd config conf core create_app current deploy django etc "
    "flask home instance lib local main manage opt project prod production root run runserver script scripts "
    "server serve service settings shared site src srv start tmp usr var venv env web website work worker "
    "wsgi www __main__ public html htdocs code checkout release releases gunicorn uvicorn granian hypercorn "
    "waitress uwsgi celery celeryd celerybeat supervisor python zope zeo".split()
)

# The order in which candidates are believed. A supervisor's group and a module say what was meant;
# a unit often says which part of it.
ORDER = (
    "container",
    "supervisor",
    "module",
    "checkout",
    "buildout",
    "directory",
    "unit",
    "package",
    "script",
)

_PARTS = (
    r"web|worker|workers|beat|celery|celeryd|celerybeat|gunicorn|uwsgi|uvicorn|granian|waitress|wsgi|asgi|http|"
    r"https|app|server|service|scheduler|queue|zeo|zeoserver|instance|api|cron|daemon|default"
)
_SUFFIX = re.compile(rf"(?:[-_.:@](?:{_PARTS}))*(?:[-_.:@]?\d+)?$", re.I)

_STAGES = {
    "production": ("production", "prod", "prd", "live"),
    "acceptance": ("acceptance", "acc", "accept", "acceptatie"),
    "staging": ("staging", "stage", "stg"),
    "test": ("test", "tst", "testing"),
    "development": ("development", "dev", "devel"),
}
STAGE_OF = {word: stage for stage, words in _STAGES.items() for word in words}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A declared way to recognise an application: `unit:shop-*`, `path:/srv/shop/*`."""

    application: str
    what: str
    glob: str
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What was concluded, and from which evidence."""

    application: str
    stage: str
    base: str
    how: str
    """empty: there was nothing to conclude from"""


def named(group: ProcessGroup, patterns: Sequence[Pattern] = ()) -> Named:
    """Application, stage and base directory of a process group. The operating system's own has none."""
    if group.kind != "application":
        return Named("", "", group.base, "")
    for pattern in patterns:
        if fnmatchcase(_subject(group, pattern.what), pattern.glob):
            stage = pattern.stage or stage_of(group)
            return Named(pattern.application, stage, group.base, f"declared {pattern.what}:{pattern.glob}")
    name, how = _concluded(group)
    return Named(clip(name, LONGEST), stage_of(group), group.base, how)


def _subject(group: ProcessGroup, what: str) -> str:
    path = group.base or group.cwd
    return {
        "unit": group.unit,
        "supervisor": group.supervisor,
        "path": path.rstrip("/") + "/",
        "user": group.user,
        "container": group.container,
    }.get(what, "")


def _concluded(group: ProcessGroup) -> tuple[str, str]:
    candidates = list(_in_order(group.names))
    for name, how in candidates:
        if not is_generic(name):
            return name, how
    if candidates:
        return candidates[0]
    return (group.program or "python"), "program"


def _in_order(names: Iterable[Name]) -> Iterator[tuple[str, str]]:
    known = list(names)
    for how in ORDER:
        for candidate in known:
            if candidate.how == how and candidate.name:
                yield _cleaned(candidate), how


def _cleaned(candidate: Name) -> str:
    name = candidate.name
    match candidate.how:
        case "supervisor":
            group, _, program = name.partition(":")
            # A program in no group of its own is reported as its own group.
            name = group if program and group != program else without_part(group)
        case "unit" | "container":
            name = without_part(name.removesuffix(".service"))
        case "module":
            name = name.partition(".")[0]
        case "script":
            name = without_part(name.rpartition("/")[2].removesuffix(".py"))
    return without_stage(name)


def without_part(name: str) -> str:
    """`shop-web` -> `shop`, `shop-worker@2` -> `shop`; `web` stays, there is nothing else."""
    short = _SUFFIX.sub("", name)
    return short or name


def without_stage(name: str) -> str:
    """`shop-acceptance` -> `shop`; `test` stays."""
    words = re.split(r"[-_.]", name)
    if len(words) > 1 and words[-1].lower() in STAGE_OF:
        return name[: -len(words[-1]) - 1]
    return name


def is_generic(name: str) -> bool:
    return name.lower() in GENERIC or len(name) < 2 or name.lower() in STAGE_OF


def stage_of(group: ProcessGroup) -> str:
    """The stage that a unit, a supervisor's program or the base directory names; empty: none does."""
    for text in (group.supervisor, group.unit.removesuffix(".service"), group.container, group.base):
        for word in re.split(r"[^A-Za-z]+", text):
            if word.lower() in STAGE_OF:
                return STAGE_OF[word.lower()]
    return ""


def released(group: ProcessGroup, application: str) -> tuple[str, str]:
    """The release that runs and how it is known: the best candidate, dirty ones marked. Empty: unknown."""
    for release in group.releases:
        if release.how == "package" and not _is_package_of(release.where, application):
            continue
        name = release.release or release.commit[:12]
        if name:
            return clip(name + ("+dirty" if release.dirty else ""), LONGEST), release.how
    return "", ""


def _is_package_of(where: str, application: str) -> bool:
    return not where or not application or canonicalize_name(where) == canonicalize_name(application)
