"""A checkout whose tags and objects are packed."""

from tests.zoo.checkouts import made, served


def start(keep):
    top = made(keep, "shop")
    keep.git("tag", "-a", "-m", "First", "2.4.1", cwd=top)
    keep.git("gc", "-q", cwd=top)
    served(keep, top)
