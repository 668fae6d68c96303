"""Several tags on one commit: the highest version counts."""

from tests.zoo.checkouts import made, served


def start(keep):
    top = made(keep, "shop")
    for tag in ("2.4.0", "2.10.0", "2.9.1"):
        keep.git("tag", tag, cwd=top)
    served(keep, top)
