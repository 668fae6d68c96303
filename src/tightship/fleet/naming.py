"""Concludes what a process group is called: application, stage and base directory. Pure.

The probe reports candidates, each with how it knows. Here they are put in one order, the declared
patterns first; what was set aside stays in the report, to be seen beside the conclusion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property, lru_cache

from packaging.utils import canonicalize_name

from tightship.fleet.report import Name, ProcessGroup, Release
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

TOLD, TOLD_STAGE = "import", "import-stage"
"""How a name and a stage are known that were told with an imported file: there is nothing to conclude."""

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


KINDS_OF_PATTERN = ("unit", "supervisor", "path", "user", "container")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A declared way to recognise an application: `unit:shop-*`, `path:/srv/shop/*`."""

    application: str
    what: str
    glob: str
    stage: str = ""
    servers: tuple[str, ...] = ()
    """the only servers that it holds on; none: on all"""

    def __str__(self) -> str:
        return f"{self.what}:{self.glob}"


@dataclass(frozen=True, eq=False)
class DeclaredNames:
    """What was declared about names: patterns, in the order of trying them, and stages of servers."""

    patterns: tuple[Pattern, ...] = ()
    stages: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """application -> server -> the stages that list it"""

    @cached_property
    def matchers(self) -> list[tuple[int, Callable[[str], object], Pattern]]:
        """(number of the kind, what matches, pattern)"""
        return [
            (KINDS_OF_PATTERN.index(pattern.what), re.compile(translate(pattern.glob)).match, pattern)
            for pattern in self.patterns
        ]

    def claims(self, group: ProcessGroup, server: str = "") -> list[Pattern]:
        """The patterns that a process group matches, the one that names it first."""
        if not self.patterns:
            return []
        found = _matching(self, subjects(group))
        return [pattern for pattern in found if not pattern.servers or server in pattern.servers]


NO_NAMES = DeclaredNames()


@lru_cache(maxsize=16384)  # a server says the same of most of its process groups, hour after hour
def _matching(names: DeclaredNames, said: tuple[tuple[str, ...], ...]) -> tuple[Pattern, ...]:
    return tuple(
        pattern for number, match, pattern in names.matchers if any(match(text) for text in said[number])
    )


def subjects(group: ProcessGroup) -> tuple[tuple[str, ...], ...]:
    """What the patterns of each kind are held against, in the order of KINDS_OF_PATTERN."""
    # `/srv/shop/*` holds for /srv/shop itself too.
    paths = [path for place in (group.base, group.cwd) if place for path in (place, place.rstrip("/") + "/")]
    return (
        _either(group.unit, group.unit.removesuffix(".service")),
        _either(group.supervisor, group.supervisor.partition(":")[0]),
        tuple(paths),
        _either(group.user),
        _either(group.container),
    )


def _either(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


@dataclass(frozen=True, slots=True)
class Named:
    """What was concluded, and from which evidence."""

    application: str
    stage: str
    base: str
    how: str
    """empty: there was nothing to conclude from"""
    set_aside: str = ""
    """what else was declared to recognise it, as `webshop by path:/srv/shop/*`"""


def named(group: ProcessGroup, names: DeclaredNames = NO_NAMES, server: str = "") -> Named:
    """Application, stage and base directory of a process group. The operating system's own has none."""
    if group.kind != "application":
        return Named("", "", group.base, "")
    claims = names.claims(group, server)
    if claims:
        application, how = claims[0].application, f"declared {claims[0]}"
    else:
        found, how = _concluded(group)
        application = clip(found, LONGEST)
    stage = claims[0].stage if claims else ""
    if not stage:
        stage, by_server = _stage(names, application, server, group)
        how += "; stage declared for this server" if by_server else ""
    return Named(application, stage, group.base, how, _others(claims))


def _stage(names: DeclaredNames, application: str, server: str, group: ProcessGroup) -> tuple[str, bool]:
    """The stage, and whether it is the one that was declared for the server."""
    listed = names.stages.get(application, {}).get(server, ()) if names.stages else ()
    # A server that several stages list says nothing about which of them this is.
    return (listed[0], True) if len(listed) == 1 else (stage_of(group), False)


def _others(claims: Sequence[Pattern]) -> str:
    """Claims that came too late, but for those that say the same."""
    first = claims[0] if claims else None
    said = [
        f"{one.application}{f' in {one.stage}' if one.stage else ''} by {one}"
        for one in claims[1:]
        if first and (one.application != first.application or one.stage not in ("", first.stage))
    ]
    return ", ".join(dict.fromkeys(said))


def _concluded(group: ProcessGroup) -> tuple[str, str]:
    told = _told(group, TOLD)
    if told:
        return told, TOLD
    candidates = list(_in_order(group.names))
    for name, how in candidates:
        if not is_generic(name):
            return name, how
    if candidates:
        return candidates[0]
    return (group.program or "python"), "program"


def _told(group: ProcessGroup, how: str) -> str:
    return next((one.name for one in group.names if one.how == how), "")


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
    told = _told(group, TOLD_STAGE)
    if told:
        return told
    for text in (group.supervisor, group.unit.removesuffix(".service"), group.container, group.base):
        for word in re.split(r"[^A-Za-z]+", text):
            if word.lower() in STAGE_OF:
                return STAGE_OF[word.lower()]
    return ""


def released(group: ProcessGroup, application: str) -> tuple[str, str]:
    """The release that runs and how it is known: the best candidate, dirty ones marked. Empty: unknown."""
    candidates = [one for one in group.releases if _may_tell(one, application)]
    for release in candidates:
        name = release.release or _version_at(release, candidates) or release.commit[:12]
        if name:
            is_marked = not release.dirty or _SAYS_DIRTY.search(name)
            return clip(name if is_marked else name + "+dirty", LONGEST), release.how
    return "", ""


_SAYS_DIRTY = re.compile(r"\+.*(?:\.d\d{8}|\bdirty)$")


def _may_tell(release: Release, application: str) -> bool:
    return release.how != "package" or _is_package_of(release.where, application)


def _version_at(release: Release, candidates: Sequence[Release]) -> str:
    """The version that setuptools-scm made of this very commit; one of another commit is an old one."""
    for other in candidates:
        is_of_it = len(other.commit) >= 7 and release.commit.startswith(other.commit)
        if other.release and is_of_it and (release.dirty or not other.dirty):
            return other.release
    return ""


def _is_package_of(where: str, application: str) -> bool:
    return not where or not application or canonicalize_name(where) == canonicalize_name(application)
