"""Checkouts for the zoo: what git says of them is what is true."""

from __future__ import annotations

from pathlib import Path

from tests.zoo.keeper import Keep


def made(keep: Keep, place: str, *options: str) -> Path:
    """A checkout below home with one commit and no tag."""
    top = keep.home / place
    keep.write({f"{place}/shop.py": "from telling import wsgi\n", f"{place}/.gitignore": "__pycache__/\n"})
    (top / "telling.py").write_text((keep.home / "telling.py").read_text())
    keep.git("init", "-q", *options, cwd=top)
    committed(keep, top)
    return top


def committed(keep: Keep, top: Path) -> None:
    keep.git("add", "--all", cwd=top)
    keep.git("commit", "-q", "--allow-empty", "-m", "A shop", cwd=top)


def served(keep: Keep, top: Path) -> None:
    """Start the application that is checked out; git says its tag, its commit and whether it is dirty."""
    keep.venv("ve", "waitress")
    tags = keep.git("tag", "--points-at", "HEAD", "--sort=-version:refname", cwd=top).split()
    commit = keep.git("rev-parse", "HEAD", cwd=top)
    changed = keep.git("status", "--porcelain", "--untracked-files=no", cwd=top)
    release = (tags[0] if tags else commit[:12]) + ("+dirty" if changed else "")
    port = keep.port()
    keep.run(
        [keep.home / "ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        cwd=top,
        ask=port,
        name="shop",
        release=release,
        commit=commit,
    )
