"""A buildout by zc.buildout 4."""

from tests.zoo.buildouts import built, served


def start(keep):
    served(keep, built(keep, "4.1.12", "3.0.0", beside=("setuptools<80",)))
