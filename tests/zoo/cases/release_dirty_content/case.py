"""A checkout with a change in a file."""

from tests.zoo.checkouts import made, served


def start(keep):
    top = made(keep, "shop")
    keep.git("tag", "2.4.1", cwd=top)
    (top / "shop.py").write_text("from telling import wsgi as wsgi\n")
    served(keep, top)
