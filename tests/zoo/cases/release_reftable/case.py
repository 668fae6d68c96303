"""A checkout whose refs are in a reftable, as git has it since 2.45: unread, and no wrong release."""

import shutil

from tests.zoo.checkouts import made


def start(keep):
    keep.venv("ve", "waitress")
    top = made(keep, "shop")
    keep.git("tag", "2.4.1", cwd=top)
    # By hand, as its documentation has it: the git that is here may be older.
    git = top / ".git"
    for name in ("refs/heads", "refs/tags"):
        shutil.rmtree(git / name)
    keep.write(
        {
            "shop/.git/HEAD": "ref: refs/heads/.invalid\n",
            "shop/.git/refs/heads": "this repository uses the reftable format\n",
            "shop/.git/reftable/tables.list": "0x000000000001-0x000000000002-1a2b3c4d.ref\n",
            "shop/.git/reftable/0x000000000001-0x000000000002-1a2b3c4d.ref": "REFT",
            "shop/.git/config": "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n",
        }
    )
    port = keep.port()
    given = [keep.home / "ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"]
    keep.run(given, cwd=top, ask=port, name="shop", release="", commit="", unread="reftable")
