"""A repository with SHA-256 for its names."""

from tests.zoo.checkouts import made, served


def start(keep):
    top = made(keep, "shop", "--object-format=sha256")
    keep.git("tag", "-a", "-m", "First", "2.4.1", cwd=top)
    served(keep, top)
