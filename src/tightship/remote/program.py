"""Makes one file of a program that runs on servers: a zipapp, or a source to be piped into Python.

    python -m tightship.remote.program tightship_probe --output dist/probe.pyz
    python -m tightship.remote.program tightship_probe --script --output dist/probe.py

The program's files are read, never imported: it belongs to the servers.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

SHEBANG = b"#!/usr/bin/env python3\n"
SCRIPTS_SHEBANG = b"#!/usr/bin/python3 -IS\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold: the same files give the same bytes."""

_LOADER = '''\
"""%(package)s as one source: `python3 -I -` runs it from standard input."""
import importlib.abc
import importlib.util
import sys

SOURCES = %(sources)s


class FromMemory(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the modules in SOURCES, so that nothing has to be written on the server."""

    def find_spec(self, name, path=None, target=None):
        if name in SOURCES:
            return importlib.util.spec_from_loader(name, self, is_package=SOURCES[name][0])
        return None

    def is_package(self, name):
        return SOURCES[name][0]

    def get_source(self, name):
        return SOURCES[name][1]


sys.meta_path.insert(0, FromMemory())
sys.argv[0] = %(package)r
from %(package)s.__main__ import main

sys.exit(main())
'''


def modules(package: str) -> dict[str, bytes]:
    """Path below the package's parent -> source, of every module of an installed package, sorted."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"{package} is not installed beside Tightship")
    folder = Path(spec.origin).parent
    paths = sorted(path.relative_to(folder.parent) for path in folder.rglob("*.py"))
    return {path.as_posix(): (folder.parent / path).read_bytes() for path in paths}


def pyz(package: str) -> bytes:
    """The package as a zipapp. The same sources, wherever they lie, give the same bytes (with one zlib)."""
    out = io.BytesIO()
    out.write(SHEBANG)
    main = f"import sys\nfrom {package}.__main__ import main\nsys.exit(main())\n".encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in {"__main__.py": main, **modules(package)}.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3  # Unix, wherever it is built
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, source)
    return out.getvalue()


def source(package: str) -> str:
    """The package as one Python source that runs from standard input, on Python 3.6 and later."""
    return _LOADER % {"package": package, "sources": _literal(modules(package))}


def script(package: str) -> bytes:
    """The same as a program to be run by its path, by the system's Python and nothing of the caller's."""
    return SCRIPTS_SHEBANG + source(package).encode()


def _literal(files: Mapping[str, bytes]) -> str:
    """{module: (is a package, source)} as a Python literal."""
    lines = []
    for path, text in files.items():
        parts = path.removesuffix(".py").split("/")
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        lines.append(f"    {name!r}: ({is_package}, {text.decode()!a}),\n")
    return "{\n" + "".join(lines) + "}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Build a program that runs on servers as one file.")
    parser.add_argument("package")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--script", action="store_true", help="one source, to be run by its path")
    asked = parser.parse_args()
    try:
        asked.output.write_bytes((script if asked.script else pyz)(asked.package))
    except (LookupError, OSError) as error:
        sys.exit(f"tightship: {error}")
    asked.output.chmod(0o755)


if __name__ == "__main__":
    main()
