"""A buildout by zc.buildout 6: eggs with a dist-info inside, a develop egg, an interpreter script."""

from tests.zoo.buildouts import built, served


def start(keep):
    served(keep, built(keep, "6.0.1", "6.0.0"))
