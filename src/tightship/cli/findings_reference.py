"""Writes docs/reference/findings.md from the rules: `python -m tightship.cli.findings_reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tightship.fleet.findings import KINDS, SEVERITIES
from tightship.fleet.findings.finding import Kind

PAGE = Path("docs/reference/findings.md")

HEAD = """\
# Findings

Written by `python -m tightship.cli.findings_reference` from the rules themselves.

A finding is one thing that is not as it should be. Each has a kind, a severity, a subject, its evidence,
what to do about it, and since when it is so. Findings are concluded from each report when it comes in,
and end with the first report that no longer shows them. A report that could not be read completely ends
none. Only applications are judged; the operating system's own processes, sessions and cron jobs are not.

## Severities

| severity | meaning | in terms of Nagios |
|---|---|---|
| `critical` | requests go wrong now | CRITICAL |
| `warning` | somebody should act | WARNING |
| `notice` | good to know | OK, with a line of text |

## Exit codes of `tightship findings`

| code | when |
|---|---|
| 1 | with `--fail-on SEVERITY`: one of that severity, or a worse one, that nobody acknowledged |
| 2 | else: the answer does not cover all servers (some are silent, or partly unread), without `--partial` |
| 0 | else |

What is known to be wrong goes before what is not known: 1 is said also where some servers are silent. The
filters hold for both: `--application shop --fail-on warning` judges shop alone.

## Subjects

A subject says what a finding is about, from the general to the special, so that patterns can name any
part of it: `shop/*` is all of shop, `*/acceptance/*` all of a stage, `*/web1:*` all that runs on web1.
`-` stands where no stage is known. Subjects follow [declared names](fleet-toml.md).

## Acknowledging

`tightship findings acknowledge KIND SUBJECT --because TEXT --until DATE` keeps a finding from being
counted: it stays in the list, last, with the reason, and leaves the overview and `--fail-on`. KIND and
SUBJECT may be patterns (`*` anything, `?` one letter, `[ab]` one of these). An acknowledgement holds for
findings that go and come back, and, as a pattern, for those that come later. After its end date what it
covered counts again. Of several that match, the one that lasts longest counts. It does not ask whether a
finding became worse meanwhile.

## Kinds
"""

TAIL = """
## Where dates of end of life come from

They stand in a file of Tightship's own, a line each with its source, and `tightship end-of-life` lists
them. `tightship end-of-life update FILE|URL` brings newer ones, in the JSON of
[endoflife.date](https://endoflife.date), into the database, and judges all servers by them. Tightship
fetches nothing by itself. A series whose end is still to come becomes a finding on the day after its last
day, also on servers that report nothing new.

## What is not said

- Whether the same port in two network namespaces is meant: only containers are known to have their own.
- `mixed` counts what silent servers said last.
- The evidence and severity shown for a past moment are the last that were told of that finding.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for name, kind in KINDS.items() for line in _kind(name, kind))]) + TAIL


def _kind(name: str, kind: Kind) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield f"{kind.title[:1].upper()}{kind.title[1:]}. {kind.meaning}"
    yield ""
    for severity in SEVERITIES:
        if severity in kind.severities:
            yield f"- `{severity}`: {kind.severities[severity]}."
    yield f"- Subject: `{kind.subject}`."
    yield f"- What to do: {kind.do}"
    yield ""


def main() -> None:
    if not PAGE.parent.is_dir():
        sys.exit(f"Run this where {PAGE.parent} is.")
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
