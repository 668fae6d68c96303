"""A buildout whose checkout mr.developer made from a git repository, as a develop egg below src/."""

from tests.zoo.buildouts import SETUP, built, served

OPTIONS = """
extensions = mr.developer
sources = sources
auto-checkout = *
sources-dir = checkouts

[sources]
shopping = git {repository} branch=main
"""


def start(keep):
    repository = keep.home / "repository"
    keep.write(
        {
            "repository/setup.py": SETUP.replace("shop", "shopping").replace("2.4.1", "1.7.0"),
            "repository/shopping.py": "",
        }
    )
    keep.git("init", "-q", "-b", "main", cwd=repository)
    keep.git("add", ".", cwd=repository)
    keep.git("commit", "-q", "-m", "first", cwd=repository)
    options = OPTIONS.format(repository=repository)
    beside = ("setuptools<82", "mr.developer==3.0.0")
    served(keep, built(keep, "6.0.1", "6.0.0", options, beside=beside, eggs="shopping"))
