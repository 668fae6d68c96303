"""What the package indexes have, beside what is in use: which versions are behind, and how far.

Asking them is not done here: who did hands over what they said. Then each version in use is judged once for
each series of Python that runs it, so that a page only has to look it up.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet

from tightship.fleet.findings.endoflife import series_of
from tightship.fleet.newest import Candidate, Known, newest
from tightship.fleet.outdated import Ahead, Ignore, ahead, in_force
from tightship.fleet.text import clip
from tightship.fleet.versions import parsed, sort_key, wanted
from tightship.store.errors import told
from tightship.store.models import (
    NAME,
    Behind,
    FoundEnvironment,
    FoundGroup,
    Ignored,
    Indexed,
    Member,
    Package,
    Version,
)
from tightship.store.statements import fetched, insert, portions

DAY = timedelta(days=1)
"""How long what the indexes said is good enough for a fleet."""

AGAIN = timedelta(hours=1)
"""When they are asked once more after they could not be."""

_BEHIND = ("version_id", "python", "major", "minor", "bugfix", "needs", "yanked", "ignored")


@dataclass(frozen=True, slots=True)
class State:
    """How far what is known of the indexes reaches."""

    packages: int = 0
    """that they were asked for"""
    unknown: int = 0
    """of which none has a version"""
    failed: int = 0
    """of which not all could be asked the last time"""
    oldest: datetime | None = None
    """when the oldest of the answers was true"""
    newest: datetime | None = None
    problem: str = ""
    """why one of them failed"""


def state() -> State:
    """Two queries at most."""
    with told():
        failed = ~Q(problem="")
        known = Indexed.objects.aggregate(
            packages=Count("pk"),
            unknown=Count("pk", filter=Q(newest="", problem="")),
            failed=Count("pk", filter=failed),
            oldest=Min("asked"),
            newest=Max("asked"),
        )
        why = (
            Indexed.objects.filter(failed).values_list("problem", flat=True).first()
            if known["failed"]
            else ""
        )
        return State(**known, problem=why or "")


def in_use() -> list[str]:
    """The names of packages that an index may have: installed by name, running or at rest now."""
    with told():
        found: set[str] = set()
        for sets in portions({number for number, _python in _held()}):
            rows = _from_an_index(sets).values_list("version__package__name").distinct()
            found.update(str(name) for (name,) in fetched(rows))
        return sorted(found)


def _from_an_index(sets: Collection[int]) -> QuerySet[Member]:
    # What the system brings is the system's to renew; what came from a folder or a commit is of no index.
    return Member.objects.filter(set__in=sets, origin="", editable=False, shadowed=False).order_by()


def _held() -> list[tuple[int, str]]:
    """(package set, Python) of all that runs, and of what is at rest."""
    groups = FoundGroup.objects.filter(until=None, kind="application", loaded__isnull=False).order_by()
    resting = FoundEnvironment.objects.filter(until=None, at_rest=True, packages__isnull=False).order_by()
    return [
        *fetched(groups.values_list("loaded_id", "python").distinct()),
        *fetched(resting.values_list("packages_id", "python").distinct()),
    ]


def due(now: datetime, most: int) -> list[str]:
    """The packages whose newest version is to be asked for again, the oldest answers first.

    None where nobody ever asked: names of packages do not leave this machine before somebody says so.
    """
    with told():
        late = Q(tried__lt=now - DAY) | (Q(tried__lt=now - AGAIN) & ~Q(problem=""))
        asked = Indexed.objects.filter(late).order_by("tried")
        return list(asked.values_list("package__name", flat=True)[:most])


def never_asked() -> list[str]:
    """Packages in use that were not asked for yet, where others were."""
    with told():
        asked = set(Indexed.objects.values_list("package__name", flat=True))
        return [name for name in in_use() if name not in asked] if asked else []


def keep(said: Mapping[str, Known], now: datetime) -> None:
    """Remember what the indexes said of packages. One that is not known here is left out."""
    with told():
        for names in portions(sorted(said), 100):
            packages = dict(Package.objects.filter(name__in=names).values_list("name", "pk"))
            oldest = _oldest(packages.values())
            Indexed.objects.bulk_create(
                [_row(pk, said[name], oldest.get(pk, ""), now) for name, pk in packages.items()],
                update_conflicts=True,
                unique_fields=["package"],
                update_fields=["newest", "candidates", "asked", "tried", "problem"],
            )


def _row(package: int, known: Known, oldest: str, now: datetime) -> Indexed:
    least = parsed(oldest)
    kept = [
        (one.version, one.requires_python, one.yanked)
        for one in known.candidates
        if least is None or (parsed(one.version) or least) >= least
    ]
    return Indexed(
        package_id=package,
        newest=clip(newest(known.candidates), NAME),
        candidates=json.dumps(kept, separators=(",", ":")),
        asked=known.asked,
        tried=now,
        problem=clip(known.problem, 300),
    )


def _oldest(packages: Iterable[int]) -> dict[int, str]:
    """The oldest version of each package that was ever seen: what is older need not be kept."""
    found: dict[int, str] = {}
    for package, version in Version.objects.filter(package__in=packages).values_list("package", "version"):
        found[package] = min(found.get(package, version), version, key=sort_key)
    return found


def candidates_of(packages: Collection[int]) -> dict[int, Sequence[Candidate]]:
    """package -> what the indexes have of it, newest first. Those that were never asked for are left out."""
    rows = Indexed.objects.filter(package__in=packages).values_list("package", "candidates")
    return {package: [Candidate(*one) for one in json.loads(text)] for package, text in rows}


def ignore(declared: Sequence[Ignore]) -> set[str]:
    """Keep what was declared not to be offered. Returns the packages of which something else holds now."""
    new = {(one.package, one.because, one.until) for one in declared}
    before = set(Ignored.objects.values_list("package", "because", "until"))
    if new != before:
        Ignored.objects.all().delete()
        Ignored.objects.bulk_create(
            Ignored(package=package, because=because, until=until) for package, because, until in sorted(new)
        )
    return {wanted(package).name for package, _because, _until in new ^ before}


def ignores(now: datetime) -> dict[str, list[Ignore]]:
    """What was declared not to be offered, and still holds, by the package's name."""
    rows = Ignored.objects.order_by("pk").values_list("package", "because", "until")
    found = [Ignore(package=package, because=because, until=until) for package, because, until in rows]
    return in_force(found, now.date())


def judge(now: datetime, names: Collection[str] | None = None) -> int:
    """Say of each version in use which newer ones there are; of these packages only, where named.

    Returns how many are behind, or were taken back.
    """
    with told():
        known = Indexed.objects.all() if names is None else Indexed.objects.filter(package__name__in=names)
        packages = dict(known.values_list("package", "package__name"))
        rows = list(_judged(packages, ignores(now)))
        with transaction.atomic():
            every = Behind.objects.all()
            (every if names is None else every.filter(version__package__in=packages)).delete()
            insert(Behind, _BEHIND, rows)
        return len(rows)


def _judged(
    packages: Mapping[int, str], silenced: Mapping[str, Sequence[Ignore]]
) -> Iterator[tuple[int | str, ...]]:
    """Rows of `Behind`."""
    used = _used(packages) if packages else {}
    for some in portions(sorted(packages), 200):
        for package, candidates in candidates_of(some).items():
            ignore = silenced.get(packages[package], ())
            for version, text, series, python in used.get(package, ()):
                found = ahead(text, candidates, python, ignore)
                if found:
                    yield version, series, *(clip(one, NAME) for one in astuple(found))


def _used(packages: Collection[int]) -> Mapping[int, list[tuple[int, str, str, str]]]:
    """package -> (version, its text, series of Python, the lowest Python of it) that is in use."""
    sets: dict[str, set[int]] = defaultdict(set)
    lowest: dict[str, str] = {}
    for number, python in _held():
        series = series_of(python)
        sets[series].add(number)
        lowest[series] = min(lowest.get(series, python), python, key=sort_key)
    found: dict[int, list[tuple[int, str, str, str]]] = defaultdict(list)
    for series in sorted(sets):
        seen: set[int] = set()
        for some in portions(sorted(sets[series])):
            asked = _from_an_index(some)
            if len(packages) <= _FEW:
                asked = asked.filter(version__package__in=packages)
            rows = fetched(
                asked.values_list("version_id", "version__package_id", "version__version").distinct()
            )
            for version, package, text in rows:
                if version not in seen:
                    seen.add(version)
                    found[package].append((version, text, series, lowest[series]))
    return found


_FEW = 200
"""Packages by which it is worth looking for versions, rather than by what is in use."""


def ahead_of(versions: Collection[int]) -> dict[int, dict[str, Ahead]]:
    """version -> series of Python -> what is newer. Those that are up to date are left out."""
    found: dict[int, dict[str, Ahead]] = defaultdict(dict)
    for row in Behind.objects.filter(version__in=versions).order_by("python").values_list(*_BEHIND):
        found[row[0]][row[1]] = Ahead(*row[2:])
    return found


def ahead_by_version(package: str) -> dict[str, dict[str, Ahead]]:
    """The same of all versions of a package: version -> series of Python -> what is newer."""
    found: dict[str, dict[str, Ahead]] = defaultdict(dict)
    rows = Behind.objects.filter(version__package__name=package).order_by("python")
    for version, python, *newer in rows.values_list("version__version", *_BEHIND[1:]):
        found[version][python] = Ahead(*newer)
    return found


def newest_of(packages: Collection[int]) -> dict[int, str]:
    """package -> the newest version that the indexes have, whichever Python it needs."""
    return dict(Indexed.objects.filter(package__in=packages).values_list("package", "newest"))
