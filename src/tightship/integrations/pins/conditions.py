"""Whether a section of a buildout holds: `[versions:python_version < "3.8"]`.

zc.buildout reads an environment marker there, and hands whatever is none to Python's `eval`. Nothing is run
here: what is usual in such expressions is worked out from its syntax, and of the rest we say that it can't
be told. Pure but for asking which Python this is.
"""

from __future__ import annotations

import ast
import operator
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class Untold(ValueError):
    """Only running it would tell."""


def running_python() -> str:
    """The Python that runs this: 3.11.7"""
    return platform.python_version()


def holds(condition: str, python: str) -> bool:
    """Whether a section's condition holds for that Python ("3.8", "2.7.18"). Raises Untold."""
    # As zc.buildout: two characters that would begin a comment can be written by their number.
    expression = condition.replace(r"\x23", "#").replace(r"\x3b", ";")
    try:
        return Marker(expression).evaluate(environment(python))
    except RecursionError:
        raise Untold("it is nested too deeply") from None
    except InvalidMarker:
        return bool(_value(_parsed(expression), _known(python)))
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        raise Untold(str(error)) from None


def environment(python: str) -> dict[str, str]:
    """What markers are held against: this machine with that Python."""
    parts = [*python.split("."), "0", "0"][:3]
    full = python if python.count(".") > 1 else f"{python}.0" if "." in python else f"{python}.0.0"
    return {"python_version": ".".join(parts[:2]), "python_full_version": full, "extra": ""}


def _parsed(expression: str) -> ast.expr:
    try:
        tree = ast.parse(f"[{expression}]", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Untold("it is no expression") from None
    if not isinstance(tree, ast.List) or not tree.elts:
        raise Untold("it is no expression")
    return tree.elts[0]


@cache
def _known(python: str) -> Mapping[str, Any]:
    """What zc.buildout gives to expressions (buildout.py, _default_globals), for that Python."""
    numbers = [int(part) for part in re.findall(r"\d+", python)[:3]]
    numbers += [0] * (3 - len(numbers))
    info = (*numbers, "final", 0)
    name = sys.platform.lower()
    return {
        "sys.version_info": info,
        "sys.version_info.major": numbers[0],
        "sys.version_info.minor": numbers[1],
        "sys.version_info.micro": numbers[2],
        "sys.platform": sys.platform,
        "sys.version": ".".join(str(number) for number in numbers),
        "sys.maxsize": sys.maxsize,
        "os.name": os.name,
        "platform.system()": platform.system(),
        "platform.machine()": platform.machine(),
        "platform.python_version()": ".".join(str(number) for number in numbers),
        "platform.python_implementation()": platform.python_implementation(),
        "platform.python_version_tuple()": tuple(str(number) for number in numbers),
        "python2": numbers[0] == 2,
        "python3": numbers[0] == 3,
        **{f"python{major}{minor}": numbers[:2] == [major, minor] for major in (2, 3) for minor in range(20)},
        **{one: one == platform.python_implementation().lower() for one in ("cpython", "pypy", "jython")},
        "ironpython": False,
        "linux": "linux" in name,
        "windows": "win32" in name,
        "cygwin": "cygwin" in name,
        "solaris": "sunos" in name,
        "macosx": "darwin" in name,
        "posix": os.name == "posix",
        "bits32": sys.maxsize < 2**32,
        "bits64": sys.maxsize > 2**32,
        "little_endian": sys.byteorder == "little",
        "big_endian": sys.byteorder == "big",
        "True": True,
        "False": False,
    }


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """What an expression is worth; the few kinds that such conditions are made of."""
    said = _told(node, known)
    if said is not None:
        return said[0]
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(_value(element, known) for element in elements)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, known)
        case ast.BoolOp(op=joined, values=values):
            sides = (_value(value, known) for value in values)
            return all(sides) if isinstance(joined, ast.And) else any(sides)
        case ast.Compare():
            return _compared(node, known)
        case ast.Subscript(value=value, slice=part):
            return _part(_value(value, known), part, known)
    raise Untold(f"{ast.unparse(node)} would have to be run")


def _told(node: ast.expr, known: Mapping[str, Any]) -> tuple[Any] | None:
    if not isinstance(node, ast.Name | ast.Attribute | ast.Call):
        return None
    said = ast.unparse(node)
    return (known[said],) if said in known else None


def _compared(node: ast.Compare, known: Mapping[str, Any]) -> bool:
    left = _value(node.left, known)
    for how, right_node in zip(node.ops, node.comparators, strict=True):
        right = _value(right_node, known)
        try:
            if not _COMPARED[type(how)](left, right):
                return False
        except TypeError as error:
            raise Untold(str(error)) from None
        left = right
    return True


def _part(value: Any, part: ast.expr, known: Mapping[str, Any]) -> Any:
    try:
        if isinstance(part, ast.Slice):
            ends = [None if end is None else _value(end, known) for end in (part.lower, part.upper)]
            return value[slice(*ends)]
        return value[_value(part, known)]
    except (TypeError, IndexError, KeyError) as error:
        raise Untold(str(error)) from None
