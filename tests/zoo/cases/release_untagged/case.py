"""A checkout without a tag: its commit counts."""

from tests.zoo.checkouts import committed, made, served


def start(keep):
    top = made(keep, "shop")
    keep.git("tag", "2.4.1", cwd=top)
    committed(keep, top)
    served(keep, top)
