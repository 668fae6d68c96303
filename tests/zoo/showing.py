"""All cases: started together, scanned once, shown as a table."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import traceback
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType

from tests import applications, parts
from tests.zoo.comparing import Compared, compared
from tests.zoo.keeper import HERE, Keep, kept
from tightship.fleet.report import Report

AT_ONCE = 4


@dataclass
class Case:
    """A case of the zoo, and what became of it."""

    name: str
    module: ModuleType
    keep: Keep | None = None
    problem: str = ""
    compared: Compared = field(default_factory=Compared)

    @property
    def title(self) -> str:
        return (self.module.__doc__ or "").strip().partition("\n")[0].rstrip(".")

    @property
    def soaks(self) -> bool:
        return bool(getattr(self.module, "SOAK", False))

    def need(self) -> None:
        """End the test where a part is missing."""
        for program in getattr(self.module, "NEEDS", ()):
            parts.program(program, program)
        if getattr(self.module, "ROOT", False):
            parts.need_root()

    def compare(self, report: Report) -> None:
        try:
            for number, living in enumerate(self.keep.living if self.keep else ()):
                self.compared.add(compared(number, living, report))
        except Exception:  # what one case shows is its own
            self.problem = traceback.format_exc()


@cache
def cases() -> Mapping[str, Case]:
    """All cases by name."""
    names = sorted(place.parent.name for place in HERE.glob("cases/*/case.py"))
    return {name: Case(name, _module(name)) for name in names}


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"zoo_{name}", HERE / "cases" / name / "case.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def living(wanted: Iterable[Case]) -> Iterator[None]:
    """Start cases, and wait until each has told what is true. What fails is said in its `problem`."""
    with contextlib.ExitStack() as stack:
        for case in (wanted := list(wanted)):
            case.keep = stack.enter_context(kept(case.name))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_start, wanted))
        yield


def _start(case: Case) -> None:
    assert case.keep
    try:
        case.module.start(case.keep)
        for one in case.keep.living:
            one.learn()
    except BaseException:  # pytest's own, too: it belongs to this case's test
        case.problem = traceback.format_exc()


def scan() -> Report:
    """One scan of this server, by a Python that is nobody's environment."""
    return applications.scanned(
        python="/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
    )


def table(some: Iterable[Case]) -> str:
    """Cases, facts, recall, precision, exact, as Markdown."""
    some = list(some)
    lines = ["| case | what it is | facts | recall | precision | exact |", "|---|---|---|---|---|---|"]
    lines += [_row(case.name, case.title, case.compared, case.problem) for case in some]
    total = Compared()
    for number, case in enumerate(some):
        total.true |= {(number, *fact) for fact in case.compared.true}
        total.found |= {(number, *fact) for fact in case.compared.found}
    lines.append(_row(f"all {len(some)}", "", total, "".join(case.problem for case in some)))
    return "\n".join(lines)


def _row(name: str, title: str, found: Compared, problem: str) -> str:
    if problem and not found.true:
        return f"| {name} | {title} | 0 | | | did not start |"
    exact = "yes" if found.exact and not problem else "no"
    return f"| {name} | {title} | {len(found.true)} | {found.recall:.3g} | {found.precision:.3g} | {exact} |"
