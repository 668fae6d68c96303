"""Buildouts for the zoo, built for real by zc.buildout of several ages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.zoo.keeper import Keep

SETUP = """
from setuptools import setup
setup(name="shop", version="2.4.1", py_modules=["shop"])
"""
CONFIG = """
[buildout]
parts = app
develop = src
{options}

[versions]
zc.buildout = {version}
zc.recipe.egg = {recipe}

[app]
recipe = zc.recipe.egg
eggs =
  shop
  waitress
  {eggs}
interpreter = py
"""
SERVE = """
import sys
from waitress import serve
from telling import wsgi
serve(wsgi, host="127.0.0.1", port=int(sys.argv[1]))
"""


def built(
    keep: Keep,
    version: str,
    recipe: str,
    options: str = "",
    *,
    beside: tuple[str, ...] = (),
    eggs: str = "",
    variables: Mapping[str, str] | None = None,
) -> Path:
    """A buildout below home with a develop egg, a script and an interpreter; made by a venv of its own."""
    tools = keep.venv("shop/tools", "pip", "wheel")
    keep.install(tools, f"zc.buildout=={version}", *beside)
    top = keep.home / "shop"
    keep.write(
        {
            "shop/buildout.cfg": CONFIG.format(version=version, recipe=recipe, options=options, eggs=eggs),
            "shop/src/setup.py": SETUP,
            "shop/src/shop.py": "from telling import wsgi\n",
            "shop/serve.py": SERVE,
        }
    )
    (top / "src/telling.py").write_text((keep.home / "telling.py").read_text())
    keep.call([tools / "bin/buildout", "-q", *index_of(keep, tools)], variables, cwd=top)
    return top


def index_of(keep: Keep, tools: Path) -> list[str]:
    """The word that tells a buildout of the index that pip is told of here; none: it knows its own."""
    asked = [tools / "bin/python", "-m", "pip", "config", "get", "global.index-url"]
    index = keep.call(asked, fails="").strip()
    return [f"buildout:index={index.rstrip('/')}/"] if index else []


def served(keep: Keep, top: Path) -> None:
    """Start its script, and a file by its interpreter."""
    port, other = keep.port(), keep.port()
    expected = {"type": "web", "name": "shop", "base": str(top), "release": "2.4.1"}
    keep.run(
        ["bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        cwd=top,
        ask=port,
        program="waitress",
        **expected,
    )
    keep.run(["bin/py", "serve.py", other], cwd=top, ask=other, **expected)
