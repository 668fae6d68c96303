"""`python -m benchmarks [NAME ...]`: measures all in one run, writes RESULTS.md.

With names, only those are measured and printed; RESULTS.md holds one whole run, or none.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

ALL = {
    "scanning": "A scan of one server",
    "recording": "Taking in reports",
    "pushing": "Reports over HTTP",
    "gathering": "Gathering from many servers over ssh",
    "starting": "How long a command takes to begin",
    "pages": "Pages of a large fleet",
    "outdated": "What is newer than 500 pins",
    "advisories": "Advisories against what is in use",
}
RESULTS = Path(__file__).with_name("RESULTS.md")
VERSIONS = ("django", "psycopg", "pip", "uv", "cyclonedx-bom", "pydantic")

Rows = list[dict[str, Any]]


def main() -> None:
    asked = sys.argv[1:]
    unknown = [name for name in asked if name not in ALL]
    if unknown:
        sys.exit(f"benchmarks: there is no {unknown[0]!r}; there are {', '.join(ALL)}")
    parts = [_head()]
    for name in asked or ALL:
        print(f"measuring: {ALL[name]} ...", file=sys.stderr, flush=True)
        module = import_module(f"benchmarks.{name}")
        parts += [f"## {ALL[name]}", (module.__doc__ or "").strip(), _table(module.measure())]
    text = "\n\n".join(parts) + "\n"
    if asked:
        print(text)
    else:
        RESULTS.write_text(text)
        print(f"wrote {RESULTS}")


def _head() -> str:
    versions = [f"{name} {version}" for name in VERSIONS if (version := _version(name))]
    return f"""# Figures

Written by `make bench`; not by hand. Peers ran in the same run, by turns with ours; each figure is a
median. What is not equal between two rows is said above its table.

- When: {time.strftime("%Y-%m-%d %H:%M", time.gmtime())} UTC
- Machine: {os.cpu_count()} cores, {_processor()}, {_memory()} GB
- Kernel: {platform.system()} {platform.release()}; {_system()}
- Python: {platform.python_version()}; {", ".join(versions)}
- Load before the run: {os.getloadavg()[0]:.1f}"""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().split("\n")
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "")


def _table(rows: Rows) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [["" if row.get(name) is None else f"{row[name]}" for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
