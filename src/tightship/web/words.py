"""The words of each list: the question that it answers, and what an empty one means. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tightship.store.listing import Params

ROOMS = (
    ("/", "Overview"),
    ("/applications", "Applications"),
    ("/servers", "Servers"),
    ("/ports", "Ports"),
    ("/sites", "Sites"),
    ("/packages", "Packages"),
    ("/vulnerabilities", "Vulnerabilities"),
    ("/findings", "Findings"),
    ("/changes", "Changes"),
)


@dataclass(frozen=True, slots=True)
class Words:
    question: str
    one: str
    many: str
    empty: str
    """what it means that there is none at all"""
    command: str = "tightship gather"

    def counted(self, number: int) -> str:
        return f"{number} {self.one if number == 1 else self.many}"


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands where rows would stand: why there are none, and what to do next."""

    lines: tuple[str, ...]
    command: str = ""
    href: str = ""
    link: str = ""


WORDS = {
    "applications": Words(
        "Which applications run, and where?",
        "application",
        "applications",
        "No Python application was found yet. This reads the server that it is typed on, all of it:",
        "tightship gather --sudo",
    ),
    "instances": Words(
        "Where does each application run?",
        "instance",
        "instances",
        "No instance was found yet.",
    ),
    "groups": Words(
        "Which process groups run?",
        "process group",
        "process groups",
        "No process group was found yet.",
    ),
    "servers": Words(
        "Which servers are known?",
        "server",
        "servers",
        "No server has reported yet. This reads the server that it is typed on:",
    ),
    "ports": Words(
        "Who has which port?",
        "port",
        "ports",
        "No listening socket was seen yet. This looks:",
    ),
    "sites": Words(
        "Which name is answered by what?",
        "site",
        "sites",
        "A site is a name that a web server (nginx, Apache) answers to, with the port or socket "
        "that it hands requests to. None was found in any server's configuration.",
        "",
    ),
    "packages": Words(
        "Which versions of which packages are in use?",
        "package",
        "packages",
        "No package was found yet. They are read from the import path of each running application:",
    ),
    "outdated": Words(
        "What is newer than what is in use?",
        "outdated version",
        "outdated versions",
        "Nothing is known to be newer than what is in use. This asks the package indexes that pip is "
        "configured for:",
        "tightship index update",
    ),
    "buildouts": Words(
        "What was each buildout built from?",
        "buildout",
        "buildouts",
        "No buildout has said so yet. Tightship's extension for zc.buildout does, and old set-ups with "
        "buildout.sendpickedversions: see docs/how-to/buildout.md.",
        "",
    ),
    "changes": Words(
        "What changed?",
        "change",
        "changes",
        "Nothing has changed since the first report. A change is a difference between two reports of a "
        "server; this makes the next one:",
    ),
    "findings": Words(
        "What is not as it should be?",
        "finding",
        "findings",
        "Nothing, in all that is known. Each report is judged when it comes in; this makes the next one:",
    ),
    "vulnerabilities": Words(
        "What is vulnerable?",
        "vulnerability",
        "vulnerabilities",
        "None of the advisories that are known here is about a version that is in use.",
        "",
    ),
    "who-uses": Words("Who uses it?", "process group", "process groups", "Nobody."),
    "diff": Words("What differs?", "difference", "differences", "Nothing differs."),
    "at-rest": Words("Where is it at rest?", "environment at rest", "environments at rest", "Nowhere."),
    "environments": Words(
        "Which environments are there?",
        "environment",
        "environments",
        "No environment was found yet.",
    ),
}


def answer(words: Words, total: int, asked: Params) -> str:
    """The answer in one sentence: how many there are, of what was asked."""
    found = words.counted(total) if total else f"No {words.many}"
    parts = [f"{name} {value}" for name, value in asked.filters.items()]
    if asked.query:
        parts.append(f"“{asked.query[:80]}”")
    return f"{found} for {' and '.join(part[:80] for part in parts)}." if parts else f"{found}."


def empty(words: Words, asked: Params, everything: str, now: str) -> Empty:
    """What an empty list says. `everything` is its address without search and filters, `now` without
    the moment (empty: the newest was asked)."""
    if asked.query or asked.filters:
        return Empty(("Nothing matches what was asked.",), href=everything, link=f"All {words.many}")
    if now:
        return Empty(("Nothing was known of it at that moment.",), href=now, link="As it is now")
    return Empty((words.empty,), words.command)
