"""What the indexes have of packages: asked some at a time, kept on this machine, usable without a network.

A cache keeps one small file for each index and package: its versions, newest first, and when that was asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path

from tightship.fleet.files import File
from tightship.fleet.newest import Candidate, Known, newest_first
from tightship.index.configured import Configured, configured, without_password
from tightship.index.files import AT_ONCE, NoAnswer, Said, Unreachable, at_hand

FRESH = timedelta(hours=1)
"""How long what an index said is good enough."""

_FORM = 1
"""Of the files in the cache: another form is another folder."""


@dataclass(slots=True)
class Indexes:
    """The indexes that pip is configured for here."""

    how: Configured = field(default_factory=configured)
    cache: Path = field(default_factory=lambda: cache_directory())  # noqa: PLW0108 - it stands further down
    fresh: timedelta = FRESH
    offline: bool = False
    """ask nobody: what was kept, however old"""

    def known(
        self, names: Iterable[str], told: Callable[[int, int], None] = lambda _done, _all: None
    ) -> dict[str, Known]:
        """name -> what is known. `names`: PEP 503. `told` hears how many are done, of how many."""
        wanted = sorted(set(names))
        lying = [at_hand(folder, wanted) for folder in self.how.find_links]
        found: dict[str, list[_Kept]] = {name: [] for name in wanted}
        for index in self.how.indexes:
            asked = _Asked(self, index)
            for number, kept in enumerate(asked.about(wanted), 1):
                found[kept.name].append(kept)
                told(number, len(wanted))
        return {name: _merged(found[name], [one[name] for one in lying]) for name in wanted}

    def files(
        self, names: Iterable[str], told: Callable[[int, int], None] = lambda _done, _all: None
    ) -> dict[str, list[File]]:
        """name -> all its files on all indexes now. Raises NoAnswer: half of them are of no use."""
        from tightship.index import asking

        wanted = sorted(set(names))
        found: dict[str, list[File]] = {name: [] for name in wanted}
        for folder in self.how.find_links:
            for name, lying in at_hand(folder, wanted).items():
                found[name] += lying
        with asking.session_for(self.how) as session, ThreadPoolExecutor(AT_ONCE) as pool:
            for index in self.how.indexes:
                ask = partial(asking.ask, session, index, timeout=self.how.timeout)
                for number, (name, said) in enumerate(zip(wanted, pool.map(ask, wanted), strict=True), 1):
                    found[name] += said.files
                    told(number, len(wanted))
        return found


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where answers of indexes are kept."""
    own = environ.get("XDG_CACHE_HOME")
    return (Path(own) if own else Path.home() / ".cache") / "tightship" / "index"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What one index said of one package, and when."""

    name: str
    candidates: Sequence[Candidate] = ()
    asked: datetime | None = None
    etag: str = ""
    problem: str = ""


class _Asked:
    """One index, in one round of questions."""

    def __init__(self, of: Indexes, index: str) -> None:
        self.of, self.index = of, index
        self.is_here = index.startswith("file:")
        self.folder = of.cache / str(_FORM) / blake2b(_public(index), digest_size=10).hexdigest()
        self.unreachable = ""

    def about(self, names: Sequence[str]) -> Iterator[_Kept]:
        """What is kept where that is fresh enough, else what the index says."""
        kept = {name: _read(self.folder / f"{name}.json", name) for name in names}
        late = [name for name in names if not self._is_good(kept[name])]
        yield from (kept[name] for name in names if self._is_good(kept[name]))
        if late:
            # Imported where somebody is asked: what is at hand is answered in half the time.
            from tightship.index import asking

            with asking.session_for(self.of.how) as session, ThreadPoolExecutor(AT_ONCE) as pool:
                ask = partial(asking.ask, session, self.index)
                yield from pool.map(lambda name: self._asked(kept[name], ask), late)

    def _is_good(self, kept: _Kept) -> bool:
        if self.is_here:
            return False
        is_fresh = kept.asked is not None and datetime.now(UTC) - kept.asked < self.of.fresh
        return is_fresh or self.of.offline

    def _asked(self, kept: _Kept, ask: Callable[[str, float, str], Said]) -> _Kept:
        if self.unreachable:
            return replace(kept, problem=self.unreachable)
        now = datetime.now(UTC)
        try:
            said = ask(kept.name, self.of.how.timeout, kept.etag)
        except NoAnswer as error:
            if isinstance(error, Unreachable):
                self.unreachable = str(error)
            return replace(kept, problem=str(error))
        candidates = kept.candidates if said.unchanged else newest_first(versions(said.files))
        new = _Kept(kept.name, candidates, now, said.etag)
        if not self.is_here:
            _write(self.folder / f"{kept.name}.json", new)
        return new


def versions(files: Sequence[File]) -> list[Candidate]:
    """The versions that these files are of. One counts as taken back where all its files were."""
    found: dict[str, list[File]] = {}
    for one in files:
        found.setdefault(one.version, []).append(one)
    return [_candidate(version, of) for version, of in found.items()]


def _candidate(version: str, files: Sequence[File]) -> Candidate:
    left = [one for one in files if one.yanked is None]
    first = (left or files)[0]
    return Candidate(version, first.requires_python, None if left else first.yanked)


def _merged(kept: Sequence[_Kept], lying: Sequence[Sequence[File]]) -> Known:
    candidates = [one for part in kept for one in part.candidates]
    local = [one for files in lying for one in versions(files)]
    problems = list(dict.fromkeys(part.problem for part in kept if part.problem))
    moments = [part.asked for part in kept]
    asked = min((one for one in moments if one), default=None)
    whole = candidates if len(kept) == 1 and not local else newest_first([*candidates, *local])
    return Known(whole, asked if all(moments) else None, "; ".join(problems))


def _public(index: str) -> bytes:
    # Whoever sees more with a password of their own has a cache of their own: it is below their home.
    return without_password(index).encode()


def _read(path: Path, name: str) -> _Kept:
    try:
        said = json.loads(path.read_bytes())
        candidates = [Candidate(*one) for one in said["candidates"]]
        return _Kept(name, candidates, datetime.fromisoformat(said["asked"]), str(said["etag"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _Kept(name)  # not there, or not ours: it is asked again


def _write(path: Path, kept: _Kept) -> None:
    """Kept as a whole or not at all. Who can't keep it asks again the next time."""
    assert kept.asked is not None
    rows = [[one.version, one.requires_python, one.yanked] for one in kept.candidates]
    text = json.dumps({"asked": kept.asked.isoformat(), "etag": kept.etag, "candidates": rows})
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False) as new:
            new.write(text)
        Path(new.name).replace(path)
