"""A buildout by zc.buildout 3: pip installs its eggs, the metadata of a dist-info inside."""

from tests.zoo.buildouts import built, served


def start(keep):
    # Its pip builds the recipe apart, with today's setuptools, which calls the egg by a name that it can't find.
    variables = {"PIP_NO_BUILD_ISOLATION": "0"}
    served(keep, built(keep, "3.3", "2.0.7", beside=("setuptools<66",), variables=variables))
