"""Runs the zoo by hand: `python -m tests.zoo [--look | --write] [CASE ...]`."""

from __future__ import annotations

import re
import sys

from tests.zoo.keeper import HERE
from tests.zoo.showing import cases, living, scan, table

PAGE = HERE.parents[1] / "docs" / "explanation" / "truth.md"
_TABLE = re.compile(r"(<!-- table: .* -->\n).*?(<!-- end -->)", re.S)


def write(text: str) -> None:
    """Put the table into the page about it."""
    page = PAGE.read_text()
    PAGE.write_text(_TABLE.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page))


def main(words: list[str]) -> int:
    names = [word for word in words if not word.startswith("-")]
    known = cases()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no case called {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    wanted = [known[name] for name in names] or [case for case in known.values() if not case.soaks]
    with living(wanted):
        report = scan()
        for case in wanted:
            case.compare(report)
        if "--look" in words:
            input("They run until you press Enter. ")
    print(table(wanted))
    if "--write" in words:
        write(table(wanted))
    for case in wanted:
        for line in [case.problem] * bool(case.problem) + case.compared.differences():
            print(f"{case.name}: {line}")
    return 0 if all(case.compared.exact and not case.problem for case in wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
