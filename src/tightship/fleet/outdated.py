"""How far a version in use is behind, and which newer ones nobody wants to hear of for now. Pure.

What is ignored has a reason and an end date. It stands in fleet.toml, or in a project's own pyproject.toml
(below `tool.tightship`) or tightship.toml:

    [[outdated.ignore]]
    package = "django>=5"
    because = "4.2 is the long-term release that our add-ons support"
    until = 2027-04-01
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tightship.fleet.newest import LEVELS, Candidate, Level, offer
from tightship.fleet.versions import Wanted, wanted

LONGEST = 200


def _package(text: str) -> str:
    return str(wanted(text))


def _reason(text: str) -> str:
    if not text.strip() or len(text) > LONGEST:
        raise ValueError(f"expected a reason of 1 to {LONGEST} characters")
    return text


def _day(said: object) -> object:
    if isinstance(said, str):
        raise ValueError("expected a date, without quotation marks: 2027-04-01")
    return said


class Ignore(BaseModel):
    """Versions of a package that are not offered until a day."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    package: Annotated[str, AfterValidator(_package)] = Field(
        description="a package, with or without versions: 'django>=5' keeps to 4.2"
    )
    because: Annotated[str, AfterValidator(_reason)] = Field(description="why, for whoever asks next year")
    until: Annotated[date, BeforeValidator(_day)] = Field(
        description="the day from which it is offered again"
    )

    @property
    def wanted(self) -> Wanted:
        return wanted(self.package)

    def __str__(self) -> str:
        return f"{self.package} until {self.until}: {self.because}"


class Outdated(BaseModel):
    """What is said of newer versions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ignore: list[Ignore] = Field(default_factory=list, description="versions that are not offered for now")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is newer than a version in use: by how far a step it is, and what keeps the rest back."""

    major: str = ""
    minor: str = ""
    bugfix: str = ""
    needs: str = ""
    """`6.0 needs Python 3.12`"""
    yanked: str = ""
    """why the version in use was taken back"""
    ignored: str = ""
    """what is not offered, until when, and why"""

    def within(self, level: Level) -> str:
        """The newest by a step of this level or a smaller one; empty: none."""
        steps = LEVELS[LEVELS.index(level) :]
        return next((found for step in steps if (found := str(getattr(self, step)))), "")

    def __bool__(self) -> bool:
        return self != Ahead()


WITHOUT_A_WORD = "no reason given"


def ahead(
    version: str, candidates: Sequence[Candidate], python: str = "", ignore: Sequence[Ignore] = ()
) -> Ahead:
    """What is newer than `version`. `candidates`: newest first; `ignore`: of this package, in force."""
    left = [one for one in candidates if not any(other.wanted.matches(one.version) for other in ignore)]
    offers = {level: offer(version, left, python, level) for level in LEVELS}
    steps = {found.level: found.version for found in offers.values() if found.level}
    told = ""
    if len(left) < len(candidates) and offer(version, candidates, python).version not in (
        "",
        steps.get("major"),
    ):
        told = "; ".join(map(str, ignore))
    yanked = offers["major"].yanked
    return Ahead(
        steps.get("major", ""),
        steps.get("minor", ""),
        steps.get("bugfix", ""),
        offers["major"].told,
        "" if yanked is None else yanked or WITHOUT_A_WORD,
        told,
    )


def in_force(ignores: Iterable[Ignore], today: date) -> dict[str, list[Ignore]]:
    """Those whose day has not come, by the package's name."""
    found: dict[str, list[Ignore]] = {}
    for one in ignores:
        if today < one.until:
            found.setdefault(one.wanted.name, []).append(one)
    return found
