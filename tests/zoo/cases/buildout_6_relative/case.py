"""A buildout with relative paths: its scripts join them when they start."""

from tests.zoo.buildouts import built, served


def start(keep):
    served(keep, built(keep, "6.0.1", "6.0.0", options="relative-paths = true"))
