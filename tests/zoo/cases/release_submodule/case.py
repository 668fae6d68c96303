"""A submodule of another checkout."""

from tests.zoo.checkouts import committed, made, served


def start(keep):
    inner = made(keep, "source")
    keep.git("tag", "2.4.1", cwd=inner)
    outer = made(keep, "outer")
    keep.git("submodule", "--quiet", "add", inner, "shop", cwd=outer)
    committed(keep, outer)
    served(keep, outer / "shop")
