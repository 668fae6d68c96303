"""A checkout of an annotated tag."""

from tests.zoo.checkouts import made, served


def start(keep):
    top = made(keep, "shop")
    keep.git("tag", "-a", "-m", "First", "2.4.1", cwd=top)
    served(keep, top)
