"""declare(): what is found goes by the names that were declared, in the past as well. One transaction.

Names are attributes of the intervals: they are concluded anew from what the rows keep of each report.
No interval begins or ends by it, and the timeline does not tell of it: nothing happened on a server.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from tightship.fleet.declared import Declared
from tightship.fleet.naming import KINDS_OF_PATTERN, DeclaredNames, Pattern, named, released, subjects
from tightship.fleet.report import ProcessGroup
from tightship.fleet.searching import Term
from tightship.fleet.text import clip
from tightship.store.errors import told
from tightship.store.indexed import ignore, judge
from tightship.store.judging import CalledAnew, forget_mixed, judge_called_anew
from tightship.store.models import (
    NAME,
    Application,
    Change,
    Declaration,
    Finding,
    FoundGroup,
    FoundListener,
    FoundSite,
    Instance,
    Server,
)
from tightship.store.names import applications, digest_declared, to_json
from tightship.store.renaming import CALLED, Renaming, call
from tightship.store.rows import PATH
from tightship.store.statements import portions
from tightship.store.terms import remember


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `declare` did, or would do."""

    applications: Sequence[Renamed]
    idle: Sequence[Idle]
    unknown_servers: Sequence[tuple[str, str]]
    """servers that stages list and that never reported, each with the nearest that did"""
    vanished: Sequence[str]
    """applications that nothing refers to any more"""
    changed: bool


@dataclass(frozen=True, slots=True)
class Renamed:
    """An application that is declared, or that something is called anew."""

    name: str
    declared: bool
    groups: int
    servers: int
    stages: Sequence[str]
    was: Sequence[str]
    """what its process groups were called before, where that differs"""
    past: int
    """process groups as they were before that changed their name"""
    described: bool
    """owner, address or labels changed"""
    dropped: bool = False
    """it stood in the file before, and does no longer"""


@dataclass(frozen=True, slots=True)
class Idle:
    """A pattern that names nothing that runs now, and why, as far as can be told."""

    pattern: Pattern
    why: str


@dataclass(slots=True)
class _Running:
    """The process groups of an application that run now."""

    groups: int = 0
    servers: set[int] = field(default_factory=set)
    stages: set[str] = field(default_factory=set)
    was: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Survey:
    """All intervals, held against the names."""

    names: DeclaredNames
    seen: set[int] = field(default_factory=set)
    different: list[Renaming] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    """every application that something is called, now or then"""
    running: dict[str, _Running] = field(default_factory=dict)
    used: set[Pattern] = field(default_factory=set)
    late: dict[Pattern, Pattern] = field(default_factory=dict)
    """pattern -> the one of another application, or stage, that came before it"""
    texts: tuple[set[str], ...] = field(default_factory=lambda: tuple(set() for _kind in KINDS_OF_PATTERN))

    def take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for pk, server, server_name, until, data, key, instance, base, *values in rows:
            group = ProcessGroup.model_validate_json(data)
            before = dict(zip(CALLED, values, strict=True))
            after = _called(group, self.names, server_name)
            found = Renaming(pk, (server, key), until is None, instance, base, before, after)
            self.called.add(str(after["application"]))
            if before != after:
                self.different.append(found)
            if found.open:
                self._count(found)
                self._note_claims(group, server_name)

    def _count(self, found: Renaming) -> None:
        running = self.running.setdefault(str(found.after["application"]), _Running())
        running.groups += 1
        running.servers.add(found.place[0])
        if found.after["stage"]:
            running.stages.add(str(found.after["stage"]))
        if found.called_anew:
            running.was.add(_was(found))

    def _note_claims(self, group: ProcessGroup, server: str) -> None:
        claims = self.names.claims(group, server)
        for claim in claims:
            first = claims[0]
            if claim.application == first.application and claim.stage in ("", first.stage):
                self.used.add(claim)
            else:
                self.late.setdefault(claim, first)
        for texts, said in zip(self.texts, subjects(group), strict=True):
            texts.update(said[:1])


def _called(group: ProcessGroup, names: DeclaredNames, server: str) -> dict[str, Any]:
    """As `record` would write it: the next report then finds nothing to change."""
    name = named(group, names, server)
    release, how = released(group, name.application)
    return {
        "application": name.application,
        "stage": clip(name.stage, NAME),
        "named_by": clip(name.how, NAME),
        "set_aside": clip(name.set_aside, NAME),
        "release": clip(release, NAME),
        "released_by": clip(how, 40),
        "conflict": bool(group.conflict or name.set_aside),
    }


_ROW = (
    "pk",
    "server_id",
    "server__name",
    "until",
    "data",
    "key",
    "instance_id",
    "base",
    "application__name",
    *CALLED[1:],
)


def declare(declared: Declared, file: str, now: datetime, dry_run: bool = False) -> Outcome:
    """Bring what was declared to the store, and call everything by it. Raises `StoreError`."""
    with told():
        names = declared.names()
        text, digest = to_json(names)
        known = digest_declared()
        # Most of the work is done before anybody has to wait: what an interval says never changes.
        survey = _surveyed(_Survey(names))
        if dry_run:
            return _outcome(declared, survey, _descriptions(declared), known != digest)
        with transaction.atomic():
            _lock()
            if digest_declared() != known:  # somebody else declared meanwhile
                survey = _Survey(names)
            survey = _surveyed(survey)
            descriptions = _descriptions(declared)
            outcome = _outcome(declared, survey, descriptions, known != digest)
            others = ignore(declared.outdated.ignore)
            if outcome.changed:
                _keep(digest, text, file, now)
                call(survey.different)
                remember(_releases(survey.different))
                judge_called_anew(_anew(survey.different), now)
                _describe(descriptions)
                _sweep(survey.different, descriptions)
        if others:
            judge(now, others)
        return replace(outcome, changed=outcome.changed or bool(others))


def _lock() -> None:
    """Wait for the reports that are being recorded, and have those that come wait."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # `record` reads this table first, within its transaction. SQLite has one writer at a time.
            cursor.execute("LOCK TABLE store_declaration IN ACCESS EXCLUSIVE MODE")


def _surveyed(survey: _Survey) -> _Survey:
    """The survey, with the intervals that it has not seen yet."""
    # Numbers may come into sight out of order: a transaction takes them long before it ends.
    everything = FoundGroup.objects.values_list("pk", flat=True)
    new = [pk for pk in everything.iterator() if pk not in survey.seen]
    for some in portions(sorted(new)):
        survey.take(FoundGroup.objects.filter(pk__in=some, kind="application").values_list(*_ROW))
        survey.seen.update(some)
    return survey


def _anew(different: Sequence[Renaming]) -> CalledAnew:
    more = ("set_aside", "released_by", "conflict")
    servers = {
        one.place[0] for one in different if one.open and any(one.before[n] != one.after[n] for n in more)
    }
    names = {
        str(called["application"]) for one in different if one.open for called in (one.before, one.after)
    }
    return CalledAnew(frozenset(servers), frozenset(applications(names - {""}).values()))


def _keep(digest: str, text: str, file: str, now: datetime) -> None:
    Declaration.objects.all().delete()
    Declaration.objects.create(digest=digest, names=text, file=clip(file, PATH), at=now)


def _releases(different: Iterable[Renaming]) -> set[Term]:
    """The releases of applications, as they are called now."""
    called = ((str(one.after["application"]), str(one.after["release"])) for one in different)
    return {("release", application, release) for application, release in called if application and release}


# Owners, addresses, labels


@dataclass(frozen=True, slots=True)
class _Description:
    owner: str = ""
    url: str = ""
    labels: str = "{}"
    declared: bool = False


_Descriptions = Mapping[str, tuple[_Description, _Description]]
"""application -> how it is described, and how it is to be; only where that differs"""


def _descriptions(declared: Declared) -> _Descriptions:
    wanted = {
        name: _Description(
            said.owner or "",
            said.url or "",
            json.dumps(dict(sorted(said.labels.items())), ensure_ascii=False),
            True,
        )
        for name, said in declared.applications.items()
    }
    nothing = _Description()
    known = {
        name: _Description(owner, url, labels, is_declared)
        for name, owner, url, labels, is_declared in Application.objects.values_list(
            "name", "owner", "url", "labels", "declared"
        )
    }
    return {
        name: (known.get(name, nothing), wanted.get(name, nothing))
        for name in sorted(known.keys() | wanted.keys())
        if known.get(name, nothing) != wanted.get(name, nothing)
    }


def _describe(descriptions: _Descriptions) -> None:
    ids = applications(descriptions)
    for name, (_before, said) in descriptions.items():
        Application.objects.filter(pk=ids[name]).update(
            owner=said.owner, url=said.url, labels=said.labels, declared=said.declared
        )


def _sweep(different: Sequence[Renaming], descriptions: _Descriptions) -> None:
    """Remove instances and applications that nothing refers to any more."""
    left = {one.instance for one in different if one.instance and one.called_anew}
    for some in portions(sorted(left)):
        groups = FoundGroup.objects.filter(instance=OuterRef("pk"))
        empty = Instance.objects.filter(~Exists(groups), pk__in=some)
        empty._raw_delete(empty.db)
    names = _left({one.before["application"] for one in different}, descriptions)
    forget_mixed(Application.objects.filter(name__in=names).values_list("pk", flat=True))
    empty_ones = _unused(names)
    empty_ones._raw_delete(empty_ones.db)


def _left(names: Iterable[Any], descriptions: _Descriptions) -> set[str]:
    """Applications that may have become empty."""
    return {str(name) for name in names if name} | {
        name for name, (before, after) in descriptions.items() if before.declared and not after.declared
    }


def _unused(names: Iterable[str]) -> Any:
    # Each process group with an application has an instance: no instance, no process group.
    referring: tuple[Any, ...] = (Instance, FoundListener, FoundSite, Change, Finding)
    found = Application.objects.filter(name__in=list(names), declared=False)
    for model in referring:
        found = found.filter(~Exists(model.objects.filter(application=OuterRef("pk"))))
    return found


# What came of it


def _outcome(declared: Declared, survey: _Survey, descriptions: _Descriptions, other_names: bool) -> Outcome:
    past: dict[str, int] = defaultdict(int)
    for one in survey.different:
        if one.called_anew and not one.open:
            past[str(one.after["application"])] += 1
    vanished = _vanishing(declared, survey)
    dropped = {
        name for name, (before, after) in descriptions.items() if before.declared and not after.declared
    }
    anew = {name for name, one in survey.running.items() if one.was}
    concerned = {*declared.applications, *past, *anew, *dropped}.difference(vanished)
    return Outcome(
        [_renamed(name, declared, survey, past, descriptions) for name in sorted(concerned)],
        list(_idle(survey)),
        _unknown_servers(declared),
        vanished,
        bool(survey.different or descriptions or other_names),
    )


def _renamed(
    name: str, declared: Declared, survey: _Survey, past: Mapping[str, int], descriptions: _Descriptions
) -> Renamed:
    running = survey.running.get(name, _Running())
    return Renamed(
        name,
        name in declared.applications,
        running.groups,
        len(running.servers),
        sorted(running.stages),
        sorted(running.was),
        past.get(name, 0),
        name in descriptions and _differ(*descriptions[name]),
        name in descriptions and descriptions[name][0].declared and name not in declared.applications,
    )


def _differ(before: _Description, after: _Description) -> bool:
    return replace(before, declared=after.declared) != after


def _was(group: Renaming) -> str:
    """What it was called; its stage, where only that differs."""
    if group.before["application"] != group.after["application"]:
        return str(group.before["application"])
    return f"in {group.before['stage']}" if group.before["stage"] else "in no stage"


def _idle(survey: _Survey) -> Iterator[Idle]:
    """The patterns that name nothing that runs now."""
    idle = [pattern for pattern in survey.names.patterns if pattern not in survey.used]
    others = _no_applications() if idle else []
    for pattern in idle:
        first = survey.late.get(pattern)
        if first:
            why = f"{first} of {first.application} stands before it; put the more specific one first"
            yield Idle(pattern, why)
            continue
        anywhere = DeclaredNames((replace(pattern, servers=()),))
        other = next((group for group in others if anywhere.claims(group)), None)
        if other:
            yield Idle(pattern, f"it matches {other.key}, which is no application but {_KINDS[other.kind]}")
            continue
        texts = sorted(survey.texts[KINDS_OF_PATTERN.index(pattern.what)])
        near = get_close_matches(pattern.glob, texts, 1, 0.5)
        yield Idle(pattern, f"the nearest that runs is {pattern.what}:{near[0]}" if near else "")


_KINDS = {
    "system": "the operating system's own",
    "session": "a person's session",
    "passing": "only passing",
    "application": "one",
}


def _no_applications() -> list[ProcessGroup]:
    others = FoundGroup.objects.filter(until=None).exclude(kind="application")
    return [
        ProcessGroup.model_validate_json(data) for data in others.values_list("data", flat=True).iterator()
    ]


def _unknown_servers(declared: Declared) -> list[tuple[str, str]]:
    wanted = {server for _name, _stage, server, _key in declared.keyed_servers()} - declared.servers.keys()
    known = sorted(Server.objects.values_list("name", flat=True)) if wanted else []
    return [
        (server, next(iter(get_close_matches(server, known, 1)), ""))
        for server in sorted(wanted.difference(known))
    ]


def _vanishing(declared: Declared, survey: _Survey) -> list[str]:
    """Applications whose every name, in all that is known, is another now."""
    names = {str(one.before["application"]) for one in survey.different if one.called_anew}
    names |= set(Application.objects.filter(declared=True).values_list("name", flat=True))
    still = declared.applications.keys() | survey.called
    return sorted(names - still)
