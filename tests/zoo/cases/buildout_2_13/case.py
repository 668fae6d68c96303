"""A buildout by zc.buildout 2.13: eggs with EGG-INFO, a develop egg by egg-link."""

from tests.zoo.buildouts import built, served


def start(keep):
    served(keep, built(keep, "2.13.8", "2.0.7", beside=("setuptools<66",)))
