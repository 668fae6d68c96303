"""A checkout with a file that became executable."""

from tests.zoo.checkouts import made, served


def start(keep):
    top = made(keep, "shop")
    keep.git("tag", "2.4.1", cwd=top)
    (top / "shop.py").chmod(0o755)
    served(keep, top)
