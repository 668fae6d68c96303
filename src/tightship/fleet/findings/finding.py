"""A finding: one thing that is not as it should be. The words that all rules share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from tightship.fleet.found import FoundGroup, PackageChange

Severity = Literal["critical", "warning", "notice"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst first. Critical: requests go wrong now. Warning: somebody should act. Notice: good to know."""

RANK: Mapping[str, int] = {severity: number for number, severity in enumerate(SEVERITIES, 1)}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of finding means, the same for all of its kind."""

    title: str
    """in words, as a heading"""
    meaning: str
    severities: Mapping[Severity, str]
    """severity -> when it is that"""
    subject: str
    """how its subject is written"""
    do: str


GROUP = "APPLICATION/STAGE/SERVER:KEY of the process group"
INSTANCE = "APPLICATION/STAGE/SERVER:DIRECTORY"

KINDS: Mapping[str, Kind] = {
    "port-conflict": Kind(
        "two share a port",
        "Two instances accept requests on the same port of a server: some requests reach the wrong one.",
        {"critical": "always"},
        "SERVER:PORT",
        "Give one of them another port, in its own configuration and in the web server's, and restart it.",
    ),
    "stale-process": Kind(
        "runs older code than is on disk",
        "What is installed changed after the process was started, and the process still runs what was there "
        "before. A security release that nobody restarted for protects nobody.",
        {
            "warning": "certain: its versions were seen at its start, and others are on disk now",
            "notice": "maybe: a file that it has open is gone, or something was installed after its start",
        },
        GROUP,
        "Restart it.",
    ),
    "vulnerable": Kind(
        "has a known vulnerability",
        "A version of a package that is in use, or waits at rest, is affected by a published advisory. One "
        "finding for each vulnerability, version and application, however many ids the vulnerability has and "
        "however many servers the application runs on.",
        {
            "critical": "its advisory calls it critical",
            "warning": "its advisory calls it high or medium, or says nothing",
            "notice": "its advisory calls it low; or the operating system brings the version, and may have "
            "mended it without changing its number",
        },
        "APPLICATION/PACKAGE-VERSION:ID; APPLICATION/os:PACKAGE-VERSION:ID of the operating system's own; "
        "`at rest` in place of an application that does not run",
        "Upgrade it to a version in which it is mended, and restart what uses it.",
    ),
    "mixed": Kind(
        "runs in different releases",
        "One application runs in more than one release within a stage, on one server or on several. During "
        "a deployment that is so for a while; when it stays, the deployment did not reach all.",
        {
            "warning": "in a stage that is known",
            "notice": "where no stage is known: it may be production beside test",
        },
        "APPLICATION/STAGE",
        "Bring all to one release, or declare their stages if they are meant to differ.",
    ),
    "end-of-life": Kind(
        "runs what gets no security fixes any more",
        "It runs a series of Python or Django whose makers no longer mend security holes.",
        {
            "warning": "always, but for what follows",
            "notice": "it is the operating system's own, whose makers may still mend it",
        },
        "APPLICATION/STAGE/SERVER:PRODUCT-SERIES",
        "Plan the upgrade to a series that is still mended.",
    ),
    "dirty": Kind(
        "runs from a checkout with changes of its own",
        "The checkout that it runs from has changes that were never committed: its release does not say what "
        "runs, and the next deployment loses them.",
        {"warning": "always"},
        INSTANCE,
        "Look at the changes; commit them, or take them back.",
    ),
    "untagged": Kind(
        "runs from a commit without a tag",
        "It runs from a checkout whose commit has no tag: nobody can say which release that is.",
        {"notice": "always"},
        INSTANCE,
        "Tag what runs, and deploy tags only.",
    ),
    "duplicate": Kind(
        "has a package twice on its import path",
        "Two versions of a package stand on one import path. The first is used; which that is may change "
        "with the next installation. The operating system's own copies behind an environment don't count.",
        {"notice": "always"},
        "SERVER:KEY of the environment",
        "Remove the version that is not meant, or make the environment anew.",
    ),
    "silent": Kind(
        "no longer reports",
        "The server has not reported for longer than TIGHTSHIP_SILENT_AFTER: what is shown of it is what it "
        "said last.",
        {"warning": "always"},
        "SERVER",
        "See whether it is up, and whether what sends its reports still runs.",
    ),
    "unread": Kind(
        "could not be read completely",
        "Something on the server, or of a process, could not be read: what is missing here may be there all "
        "the same.",
        {
            "warning": "the report is incomplete: something may run of which nothing is known",
            "notice": "single things are unknown",
        },
        "SERVER",
        "Read it with the rights of root.",
    ),
    "clock-skew": Kind(
        "its clock is wrong",
        "The server's clock and ours differ by two minutes or more. Reports are put in order all the same, "
        "but logs, sessions and certificates go by that clock.",
        {"warning": "always"},
        "SERVER",
        "See whether its time is synchronised.",
    ),
    "two-names": Kind(
        "one machine under two names",
        "Two servers report with the same machine id: one machine is counted twice, or one was cloned from "
        "the other.",
        {"warning": "always, while both report"},
        "SERVER",
        "Let it report under one name. A clone needs a machine id of its own.",
    ),
    "two-machines": Kind(
        "one name for two machines",
        "Reports under one name come from two machines in turn: each undoes what the other said.",
        {"warning": "until seven days after the last turn"},
        "SERVER",
        "Give each machine a name, and a token, of its own.",
    ),
    "conflict": Kind(
        "sources disagree about it",
        "What was read says two things about a process group, or two declared patterns recognise it. One was "
        "believed, the other set aside.",
        {"notice": "always"},
        GROUP,
        "Look at the evidence on its page, and declare what is right.",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    severity: Severity
    key: str
    """which one of its kind it is, on its server; holds no name that can be declared anew"""
    subject: str
    evidence: tuple[str, ...]
    """sentences with values"""
    do: str
    command: str = ""
    """what to type, where one command does it"""
    where: str = ""
    """where to type it: a server; empty: here"""
    application: str = ""
    stage: str = ""
    group: str = ""
    """key of the process group"""
    not_before: datetime | None = None
    """it will be one only from this moment on"""
    vulnerable: int | None = None
    """of a vulnerability: the number of the version that has it"""


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What of a package set the rules look at."""

    django: str = ""
    """the version that gets imported"""
    django_origin: str = ""
    duplicates: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """(package, version that gets imported, other versions behind it)"""


NO_FACTS = SetFacts()


@dataclass(frozen=True, slots=True)
class Ending:
    """When a series of a product gets no security fixes any more."""

    product: str
    series: str
    ends: datetime
    source: str


Endings = Mapping[tuple[str, str], Ending]
"""(product, series) -> its end"""


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules need to know beside what was found on a server."""

    facts: Callable[[str], SetFacts] = lambda _digest: NO_FACTS
    """digest of a package set -> what matters of it"""
    differences: Callable[[str, str], Sequence[PackageChange]] = lambda _before, _after: ()
    endings: Endings = field(default_factory=dict)
    skew: float | None = None
    """seconds that our clock is ahead of the server's"""


def of_group(found: FoundGroup, server: str) -> str:
    return instance_subject(found, server, found.key)


def instance_subject(found: FoundGroup, server: str, what: str) -> str:
    return f"{stage_subject(found.application, found.stage)}/{server}:{what}"


def stage_subject(application: str, stage: str) -> str:
    """`shop/production`; `shop/-` where no stage is known."""
    return f"{application or '-'}/{stage or '-'}"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def some(words: Sequence[str], most: int = 5) -> str:
    """`a, b and 7 more`"""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return ", ".join(words)
