"""Candidates for the release that runs, each from one source, the best evidence first."""

import json
import os
import re

from tightship_probe import escape, gitfiles
from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.packages import OS, normal
from tightship_probe.patterns import Pattern
from tightship_probe.rights import loaded
from tightship_probe.tree import Missing, Unreadable

MOST_TAGS = 5
"""Tags of one commit that are told."""
_SCM = Pattern(r".*\+(?:.*\.)?g(?P<commit>[0-9a-f]{7,64})(?P<dirty>\.d\d{8}|\.dirty)?\Z")
"""A version that setuptools-scm, versioneer and their like made of a commit: `2.4.2.dev3+g1a2b3c4d5`"""
_VERSION = Pattern(r"(?:.*[^.\dA-Za-z]|)v?(\d{1,9}(?:\.\d{1,9}){0,7})(?![.\d])(.*)\Z")


def releases_of(tree, cwd, base, packages, names):
    """[{how, release, commit, dirty, where}], and what could not be read: [{what, why}].

    `packages` are the lines of the package set; `names` what the application may be called.
    """
    found, unread = [], []
    places = [place for place in dict.fromkeys((base, cwd)) if place not in ("", "/")]
    own = _own_packages(packages, names)
    for place in places:
        _attempt(_release_json, tree, place, found, unread)
    for top, checkout in _checkouts(tree, [*reversed(places), *_sources(own)], unread):
        _attempt(_of_checkout, checkout, top, found, unread)
    for place in places:
        _attempt(_revision, tree, place, found, unread)
    found.extend(_of_package(fields) for fields in sorted(own, key=lambda fields: not fields[3]))
    return found, unread[:MOST_TOLD]


def _attempt(reader, what, place, found, unread):
    try:
        found.extend(reader(what, place, unread))
    except Missing:
        return
    except Unreadable as why:
        unread.append({"what": escape.harmless(place), "why": str(why)})


def _candidate(how, release="", commit="", dirty=None, where=""):
    return {
        "how": how,
        "release": escape.name(release),
        "commit": escape.name(commit),
        "dirty": dirty,
        "where": escape.harmless(where),
    }


def _release_json(tree, place, unread):
    """What Tightship itself left when it put a release in place."""
    path = place + "/release.json"
    try:
        said = json.loads(tree.read(path, 65536).decode("utf-8"))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("release"), str):
        unread.append({"what": escape.harmless(path), "why": "not what Tightship writes"})
        return []
    commit = said.get("commit")
    return [
        _candidate("release.json", said["release"], commit if isinstance(commit, str) else "", None, place)
    ]


# Checkouts


def _checkouts(tree, places, unread):
    """(top, `Checkout`) of those that hold the places, each once."""
    found = {}
    for place in dict.fromkeys(places):
        try:
            checkout = gitfiles.checkout_of(tree, place)
        except Unreadable as why:
            unread.append({"what": escape.harmless(place) + "/.git", "why": str(why)})
            continue
        if checkout is not None:
            found.setdefault(checkout.top, checkout)
    return list(found.items())


def _of_checkout(checkout, top, unread):
    commit = gitfiles.head(checkout)
    tags = []
    try:
        tags, why = gitfiles.tags_of(checkout, commit)
    except Unreadable as reason:
        why = str(reason)
    if why and not tags:  # a tag was found: that there may be another is no news
        unread.append({"what": escape.harmless(checkout.common + "/refs/tags"), "why": escape.harmless(why)})
    dirty = _dirty(checkout, commit, unread)
    tags.sort(key=highest_first)
    if not tags:
        return [_candidate("commit", "", commit, dirty, top)]
    return [_candidate("tag", tag, commit, dirty, top) for tag in tags[:MOST_TAGS]]


def _dirty(checkout, commit, unread):
    gitchanges = loaded("tightship_probe.gitchanges")  # only where there is a checkout

    try:
        return gitchanges.is_dirty(checkout, commit)
    except Unreadable as why:
        unread.append({"what": escape.harmless(checkout.git + "/index"), "why": str(why)})
        return None


def highest_first(tag):
    """Orders several tags of one commit: those that hold a version first, the highest first."""
    match = _VERSION.match(tag)
    if not match:
        return (True, (), False, tag)
    numbers = [-int(part) for part in match.group(1).split(".")]
    # 2.4.1 before 2.4.1rc1, which is the same commit released at last.
    return (False, tuple(numbers + [0] * (8 - len(numbers))), match.group(2) != "", tag)


def _revision(tree, place, _unread):
    """REVISION, as Capistrano and its like write it: a commit, or a tag."""
    text = os.fsdecode(tree.read(place + "/REVISION", 4096)).strip().split("\n")[0]
    if not text:
        return []
    if re.match(r"[0-9a-f]{7,64}\Z", text):
        return [_candidate("REVISION", "", text, None, place)]
    return [_candidate("REVISION", text, "", None, place)]


# The package that is the application


def _own_packages(lines, names):
    """Fields of the packages that have one of the application's names."""
    wanted = {normal(name) for name in names} | {normal(name.partition(".")[0]) for name in names}
    fields = [(line.split("\t") + [""] * 6)[:6] for line in lines]
    return [one for one in fields if one[0] in wanted and not one[5] and one[2] != OS]


def _sources(own):
    """Directories of those that are installed as editable."""
    found = [fields[2][len("file://") :] for fields in own if fields[4] and fields[2].startswith("file:///")]
    if found:
        unquote = loaded("urllib.parse").unquote  # 4 ms, for the few that have one

        found = [unquote(place) for place in found]
    return found


def _of_package(fields):
    """Its commit (PEP 610), or its version, which may name the commit that it was made of."""
    name, version, _origin, commit = fields[:4]
    made_of = _SCM.match(version)
    dirty = True if made_of and made_of.group("dirty") else None
    if not commit and made_of:
        return _candidate("package", version, made_of.group("commit"), dirty, name)
    return _candidate("direct_url" if commit else "package", version, commit, dirty, name)
