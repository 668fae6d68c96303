"""A project whose version setuptools-scm makes of its checkout: metadata say which, git the commit."""

from __future__ import annotations

from pathlib import Path

from tests.zoo.keeper import Keep

PROJECT = """\
[build-system]
requires = ["setuptools", "setuptools-scm"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
dynamic = ["version"]

[tool.setuptools]
packages = ["shop"]

[tool.setuptools_scm]
version_file = "shop/_version.py"
"""
_VERSION = "import importlib.metadata; print(importlib.metadata.version('shop'))"


def made(keep: Keep, place: str) -> Path:
    """A checkout below home, three commits behind its tag 2.4.1."""
    top = keep.home / place
    keep.write(
        {
            f"{place}/pyproject.toml": PROJECT,
            f"{place}/shop/__init__.py": "from telling import wsgi\n",
            f"{place}/.gitignore": "_version.py\n*.egg-info/\nbuild/\n__pycache__/\n",
        }
    )
    keep.git("init", "-q", cwd=top)
    keep.git("add", "--all", cwd=top)
    keep.git("commit", "-qm", "A shop", cwd=top)
    keep.git("tag", "2.4.1", cwd=top)
    for number in range(3):
        keep.git("commit", "-q", "--allow-empty", "-m", f"Change {number}", cwd=top)
    return top


def version(keep: Keep) -> str:
    """The version that the environment has of it."""
    return keep.call([keep.home / "ve/bin/python", "-c", _VERSION]).strip()
