"""Runs the zoo by hand: `python -m tests.zoo [--look] [CASE ...]`."""

from __future__ import annotations

import sys

from tests.zoo.showing import cases, living, scan, table


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
    for case in wanted:
        for line in [case.problem] * bool(case.problem) + case.compared.differences():
            print(f"{case.name}: {line}")
    return 0 if all(case.compared.exact and not case.problem for case in wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
