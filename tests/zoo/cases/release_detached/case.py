"""A detached head on an older tag."""

from tests.zoo.checkouts import committed, made, served


def start(keep):
    top = made(keep, "shop")
    keep.git("tag", "2.4.1", cwd=top)
    committed(keep, top)
    keep.git("tag", "2.5.0", cwd=top)
    keep.git("checkout", "-q", "--detach", "2.4.1", cwd=top)
    served(keep, top)
