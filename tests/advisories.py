"""Advisories for tests, in OSV's published schema, with the facts of real ones.

OSV's own export can't be reached from where these tests run: ids, packages, versions and summaries are those
of the published advisories, written down by hand; texts, references and times are not. Each is here twice,
as GitHub (GHSA-) and as the Python Packaging Authority (PYSEC-) publish it, as in the export.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]


class Real(NamedTuple):
    cve: str
    ghsa: str
    pysec: str
    package: str
    ranges: Sequence[tuple[str, str]]
    """introduced, fixed"""
    severity: str
    vector: str
    summary: str


_ALL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
_READS = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
_SCRIPT = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"

REAL = (
    Real(
        "CVE-2019-10906", "GHSA-462w-v97r-4m45", "PYSEC-2019-217", "jinja2", [("0", "2.10.1")], "HIGH",
        "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N", "Jinja2 sandbox escape via string formatting",
    ),
    Real(
        "CVE-2020-28493", "GHSA-g3rq-g295-4j3m", "PYSEC-2021-66", "jinja2", [("0", "2.11.3")], "MODERATE",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", "Regular Expression Denial of Service in Jinja2",
    ),
    Real(
        "CVE-2018-18074", "GHSA-x84v-xcm2-53pg", "PYSEC-2018-28", "requests", [("0", "2.20.0")], "HIGH",
        _READS, "Insufficiently Protected Credentials in Requests",
    ),
    Real(
        "CVE-2023-32681", "GHSA-j8r2-6x86-q33q", "PYSEC-2023-74", "requests", [("2.3.0", "2.31.0")],
        "MODERATE", "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:C/C:H/I:N/A:N",
        "Unintended leak of Proxy-Authorization header in requests",
    ),
    Real(
        "CVE-2019-11324", "GHSA-mh33-7rrq-662w", "PYSEC-2019-133", "urllib3", [("0", "1.24.2")], "HIGH",
        "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N",
        "Improper Certificate Validation in urllib3",
    ),
    Real(
        "CVE-2019-11236", "GHSA-r64q-w8jr-g9qp", "PYSEC-2019-132", "urllib3", [("0", "1.24.3")], "MODERATE",
        _SCRIPT, "CRLF injection in urllib3",
    ),
    Real(
        "CVE-2019-12308", "GHSA-7rp2-fm2h-wchj", "PYSEC-2019-79", "django",
        [("1.11", "1.11.21"), ("2.1", "2.1.9"), ("2.2", "2.2.2")], "MODERATE",
        _SCRIPT, "Django Cross-site Scripting in AdminURLFieldWidget",
    ),
    Real(
        "CVE-2019-14234", "GHSA-6r97-cj55-9hrq", "PYSEC-2019-13", "django",
        [("1.11", "1.11.23"), ("2.1", "2.1.11"), ("2.2", "2.2.4")], "CRITICAL",
        _ALL, "SQL Injection in Django",
    ),
    Real(
        "CVE-2020-1747", "GHSA-6757-jp84-gxfx", "PYSEC-2020-96", "pyyaml", [("5.1b7", "5.3.1")], "CRITICAL",
        _ALL, "Improper Input Validation in PyYAML",
    ),
    Real(
        "CVE-2019-20477", "GHSA-3pqx-4fqf-j49f", "PYSEC-2020-176", "pyyaml", [("5.1", "5.2")], "CRITICAL",
        _ALL, "Deserialization of Untrusted Data in PyYAML",
    ),
)  # fmt: skip

OLD = {"jinja2": "2.10", "django": "2.2.0", "requests": "2.19.0", "urllib3": "1.24.1", "pyyaml": "5.1"}
"""Releases that these are about."""


def record(
    name: str,
    package: str = "jinja2",
    ranges: Iterable[Sequence[tuple[str, str]]] = (),
    versions: Sequence[str] = (),
    modified: str = "2024-11-18T16:26:12Z",
    **more: Any,
) -> Json:
    """One record. A range is a list of events: [("introduced", "0"), ("fixed", "2.10.1")]."""
    said: Json = {"package": {"ecosystem": "PyPI", "name": package, "purl": f"pkg:pypi/{package}"}}
    if ranges:
        said["ranges"] = [
            {"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in events]}
            for events in ranges
        ]
    if versions:
        said["versions"] = list(versions)
    return {
        "schema_version": "1.7.3",
        "id": name,
        "modified": modified,
        "published": "2019-04-10T14:30:24Z",
        "details": f"What {name} is about, at length.",
        "affected": [said],
        **more,
    }


def upto(fixed: str, introduced: str = "0") -> list[tuple[str, str]]:
    return [("introduced", introduced), ("fixed", fixed)]


def real(now: datetime | None = None) -> list[Json]:
    """All of them. The export's newest record is never a day old: here, one is modified `now`."""
    found: list[Json] = []
    for one in REAL:
        ranges = [upto(fixed, introduced) for introduced, fixed in one.ranges]
        kind = "CVSS_V3"
        found.append(
            record(
                one.ghsa,
                one.package,
                ranges,
                summary=one.summary,
                aliases=[one.cve, one.pysec],
                severity=[{"type": kind, "score": one.vector}],
                database_specific={"severity": one.severity, "github_reviewed": True},
            )
        )
        # PYSEC has all ranges as events of one, and no severity.
        events = [event for events in ranges for event in events]
        found.append(record(one.pysec, one.package, [events], aliases=[one.cve, one.ghsa]))
    found[-1]["modified"] = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return found


LOGS = record(
    "GHSA-7xr5-9hcq-chf9",
    "django",
    [upto("4.2.22", "4.2a1"), upto("5.1.10", "5.0a1"), upto("5.2.2", "5.2a1")],
    aliases=["CVE-2025-48432", "PYSEC-2025-47"],
    summary="Django Improper Output Neutralization for Logs vulnerability",
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:L/A:N"}],
    database_specific={"severity": "MODERATE"},
)
"""A young one: about Django 5.2.1, not about 5.2.2."""


def fill(records: Iterable[Json], now: datetime, **more: Any) -> Any:
    """Fill the store's database with these, of which none is older than `now`."""
    from tightship.fleet.advisories import advisory
    from tightship.store import advisories

    said = [{**one, "modified": now.isoformat()} for one in records]
    found = [advisories.Record(advisory(one), advisories.packed(json.dumps(one))) for one in said]
    return advisories.fill(found, ["all.zip"], now, **more)


def directory(folder: Path, records: Iterable[Json]) -> Path:
    """A file for each, as an unpacked export has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in records:
        (folder / f"{one['id']}.json").write_text(json.dumps(one))
    return folder


def export(path: Path, records: Iterable[Json]) -> Path:
    """An `all.zip`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for one in records:
            file.writestr(f"{one['id']}.json", json.dumps(one))
    return path
