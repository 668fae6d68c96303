"""A shallow clone of a tag."""

from tests.zoo.checkouts import committed, made, served


def start(keep):
    source = made(keep, "source")
    committed(keep, source)
    keep.git("tag", "-a", "-m", "First", "2.4.1", cwd=source)
    keep.git("clone", "-q", "--depth", "1", "--branch", "2.4.1", f"file://{source}", "shop")
    served(keep, keep.home / "shop")
