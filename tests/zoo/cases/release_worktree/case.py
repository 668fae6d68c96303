"""A worktree of another checkout."""

from tests.zoo.checkouts import committed, made, served


def start(keep):
    top = made(keep, "main")
    keep.git("tag", "2.4.1", cwd=top)
    committed(keep, top)
    keep.git("worktree", "add", "-q", keep.home / "shop", "2.4.1", cwd=top)
    served(keep, keep.home / "shop")
