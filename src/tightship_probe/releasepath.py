"""Paths without the parts that change with each release, so that a key outlives a deployment.

A part that is nothing but a release is replaced by `*`: a timestamp of eight figures or more
(`releases/20260101120000`), a version (`releases/2.4.1`), a commit (7 to 40 hexadecimal figures, letters
and digits both), and any number in a folder of releases. A part that ends in one loses it: `shop-2.4.1`
and the egg `shop-2.4.1-py3.11.egg` become `shop`. `current` stays, and so does the version of Python in
`lib/python3.11`.
"""

import re

from tightship_probe.patterns import Pattern

# Each pattern can match a text in one way only: a hostile name would else take forever.
_SUFFIX = r"(?:[-._+]?(?:alpha|beta|a|b|c|rc|pre|dev|post|final)\d*|[-._+]\d+)"
_VERSION = r"v?\d+(?:\.\d+)+" + _SUFFIX + r"*(?:[-._+]g?[0-9a-f]{7,40})?"
_COMMIT = r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}"
_STAMP = r"\d{4}-?\d{2}-?\d{2}(?:[-_T]?\d{2}[-_:]?\d{2}(?:[-_:]?\d{2})?)?\d*"
_RELEASE = r"(?:%s|%s|%s)\Z" % (_VERSION, _COMMIT, _STAMP)
_WHOLE = Pattern(_RELEASE, re.I)
_NUMBER = Pattern(r"\d+\Z")
_ENDING = Pattern(r"(?P<name>[A-Za-z][\w.-]*?)[-_@]" + _RELEASE, re.I)
_EGG = Pattern(r"(?P<name>[\w.]+)-[^-]+-py\d[\w.-]*\.egg\Z")
_OF_PYTHON = Pattern(r"(?:python|pypy|cpython|site-packages|lib)[-_.\d]*\Z", re.I)
_FOLDERS = ("releases", "release", "versions", "builds", "deployments")
_LONGEST = 255
"""Bytes of a name in a file system: what is longer is none, and stays as it is."""


def without_release(path):
    """`/srv/shop/releases/2.4.1/venv` -> `/srv/shop/releases/*/venv`."""
    parts = path.split("/")
    return "/".join(_part(part, parts[place - 1] if place else "") for place, part in enumerate(parts))


def _part(part, before):
    if not part or len(part) > _LONGEST or _OF_PYTHON.match(part):
        return part
    if _NUMBER.match(part) and len(part) < 8:
        # A small number may be anything (a customer, a port), except in a folder of releases.
        return "*" if before.lower() in _FOLDERS else part
    if _NUMBER.match(part) or _WHOLE.match(part):
        return "*"
    ending = _EGG.match(part) or _ENDING.match(part)
    return ending.group("name") if ending else part
