"""Which packages are on an import path: names and versions from their metadata, never by importing."""

import json
import os
import re
from typing import NamedTuple

from tightship_probe import escape
from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.patterns import Pattern
from tightship_probe.rights import loaded
from tightship_probe.tree import Missing, Unreadable

HEAD = 4096
"""Bytes of METADATA that are read: Name and Version stand at its beginning."""
MOST_PACKAGES = 5000
OS = "os"
"""Origin of a package of the operating system."""
_MOST_URL = 1000
_METADATA = (".dist-info", ".egg-info")
_DIRECTORY = Pattern(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-.*)?\Z")
_OF_OS = Pattern(r"/usr/lib(?:64)?/(?:python3/dist-packages|python[23]\.\d+(?:/(?:dist|site)-packages)?)\Z")
_LIBRARY = Pattern(r"/python\d+t?\.zip\Z")
_MOST_HEADERS = 100
_OF_DIST_INFO = ("METADATA", "direct_url.json")
_USUAL = Pattern(
    rb"Metadata-Version: [\d.]{1,9}\r?\nName: ([A-Za-z0-9._-]{1,100})\r?\n"
    rb"Version: ([A-Za-z0-9.+!_-]{1,100})\r?\n"
)
"""How nearly every METADATA begins."""
_RUNS = Pattern(r"[-_.]+")
_OF_BUILDOUT = Pattern(r"file:///(?:[^/]+/)*tmp[^/]{8}get_dist/[^/]+\Z")
"""Where zc.buildout 5 and later put what they got from an index, before they have pip install it."""
_WITHOUT = set()
"""Directories that hold no metadata, such as the standard library: many processes share them."""


class Package(NamedTuple):
    name: str
    version: str
    origin: str = ""
    commit: str = ""
    editable: bool = False
    shadowed: bool = False

    def line(self):
        """The canonical line: fields between tabs, empty ones at the end left out."""
        marks = ("editable" if self.editable else "", "shadowed" if self.shadowed else "")
        return "\t".join((self.name, self.version, self.origin, self.commit, *marks)).rstrip("\t")


class Packages(object):
    """Packages of one import path, found so far."""

    def __init__(self):
        self.found = []
        self.unread = []
        self.installed = {}
        """name -> when its metadata last changed, in seconds since the epoch"""
        self._first = {}

    def add(self, package, changed):
        if len(self.found) >= MOST_PACKAGES:
            raise TooMany("more than %d packages" % MOST_PACKAGES)
        first = self._first.setdefault(package.name, package)
        if first is package:
            self.installed[package.name] = changed
        elif package == first or (first.editable and package.editable and first.version == package.version):
            # Debian has some in two forms, and an editable install leaves metadata beside its sources,
            # too: that is no second package.
            return
        else:
            package = package._replace(shadowed=True)
        self.found.append(package)

    def miss(self, what, why):
        if len(self.unread) < MOST_TOLD:
            self.unread.append({"what": escape.harmless(what), "why": str(why)})
        elif len(self.unread) == MOST_TOLD:
            self.unread.append({"what": "more", "why": "only the first %d are told" % MOST_TOLD})


class TooMany(Unreadable):
    pass


def packages_on(tree, path):
    """Packages of an import path, in its order: {"lines", "unread", "installed"}.

    `lines` are sorted and canonical; `installed`: name -> when its metadata last changed.
    """
    packages = Packages()
    for place in path:
        try:
            _of_entry(tree, place, packages)
        except Missing:
            continue
        except TooMany as why:
            packages.miss("packages", why)
            break
        except Unreadable as why:
            packages.miss(place, why)
    return {
        "lines": sorted(package.line() for package in packages.found),
        "unread": packages.unread,
        "installed": packages.installed,
    }


def _of_entry(tree, place, packages):
    if _LIBRARY.search(place):
        return
    try:
        directory = tree.directory(place)
    except Missing:
        raise
    except Unreadable:
        if not _is_file(tree, place):
            raise
        archives = loaded("tightship_probe.archives")  # hardly a server has one
        archives.add_packages(tree, place, packages)
        return
    with directory:
        if directory.identity in _WITHOUT:
            return
        names = directory.names()
        if place.endswith(".egg"):
            _of_egg(directory, names, packages)
        origin = OS if _OF_OS.match(place) else ""
        # pip renames what it removes to ~ame. What an .egg-link links to is on the path itself.
        of_metadata = [name for name in names if name.endswith(_METADATA) and name[0] != "~"]
        for name in of_metadata:
            if not (name.endswith(".dist-info") and _of_plain_folder(directory, name, origin, packages)):
                _of_name(directory, name, origin, packages)
        if not of_metadata and not place.endswith(".egg"):
            _WITHOUT.add(directory.identity)


def _of_plain_folder(directory, name, origin, packages):
    """Add the package of a usual dist-info; False: it is none, and has to be looked at more closely."""
    found = directory.heads(name, _OF_DIST_INFO, HEAD)
    if found is None:
        return False
    changed, (metadata, direct_url) = found
    usual = _USUAL.match(metadata or b"")
    if usual is None or direct_url:
        return False
    called, version = usual.group(1).decode("ascii"), usual.group(2).decode("ascii")
    packages.add(Package(_RUNS.sub("-", called).lower(), version, origin), changed)
    return True


def _is_file(tree, place):
    try:
        return tree.status(place).st_mode & 0o170000 == 0o100000
    except Missing:
        return False


def _of_egg(directory, names, packages):
    """An egg that buildout or easy_install unpacked. One of zc.buildout 6 has a dist-info in it instead."""
    if "EGG-INFO" in names:
        with directory.directory("EGG-INFO") as folder:
            of_folder(folder, "PKG-INFO", os.path.basename(directory.path), packages)


def _of_name(directory, name, origin, packages):
    try:
        if name.endswith(".dist-info"):
            with directory.directory(name) as folder:
                of_folder(folder, "METADATA", name, packages, origin)
        else:
            _of_egg_info(directory, name, origin, packages)
    except TooMany:
        raise
    except Unreadable as why:
        packages.miss(os.path.join(directory.path, name), why)
        _add(packages, {}, name, 0.0, Package("", "", origin))


def _of_egg_info(directory, name, origin, packages):
    """A folder from setuptools, or a file as Debian and distutils write it."""
    status = directory.status(name)
    if status.st_mode & 0o170000 == 0o100000:
        of_file(directory.head(name, HEAD), name, status.st_ctime, packages, origin)
        return
    known = Package("", "", origin)
    if not origin and not directory.path.endswith("-packages"):
        # A directory that holds its own sources and their metadata: a development checkout.
        known = Package("", "", "file://" + escape.harmless(directory.path, _MOST_URL), "", True)
    with directory.directory(name) as folder:
        of_folder(folder, "PKG-INFO", name, packages, known=known)


def of_file(head, name, changed, packages, origin=""):
    """A package from the beginning of its only file of metadata."""
    _add(packages, headers(head), name, changed, Package("", "", origin))


def of_folder(folder, file, name, packages, origin="", known=None):
    """A package from its folder of metadata. Where the file can't be read the folder's name still tells."""
    said = {}
    try:
        said = headers(folder.head(file, HEAD))
    except Unreadable as why:
        packages.miss(os.path.join(folder.path, file), why)
    if known is None:
        known = Package("", "", origin)
        if origin != OS:
            known = _with_origin(known, folder, packages)
    _add(packages, said, name, folder.changed(), known)


def _add(packages, said, name, changed, known):
    """Add what the headers say, else what a name such as `attire-1.2.dist-info` says."""
    stem = name.rpartition(".")[0]
    guessed = _DIRECTORY.match(stem)
    called = said.get("name") or (guessed.group("name") if guessed else stem)
    version = said.get("version") or (guessed.group("version") if guessed else "")
    packages.add(known._replace(name=normal(called), version=escape.name(version)), changed)


def _with_origin(package, folder, packages):
    """PEP 610: where it was installed from, when not from an index."""
    try:
        said = json.loads(folder.read("direct_url.json", 65536).decode("utf-8"))
        url = said["url"]
    except Missing:
        return package
    except (Unreadable, ValueError, KeyError, TypeError, RecursionError) as why:
        packages.miss(os.path.join(folder.path, "direct_url.json"), why)
        return package
    if _OF_BUILDOUT.match(str(url)):
        return package
    vcs, info = _object(said, "vcs_info"), _object(said, "dir_info")
    kind = vcs.get("vcs")
    url = ("%s+" % kind if isinstance(kind, str) and kind else "") + str(url)
    return package._replace(
        origin=escape.harmless(without_userinfo(url), _MOST_URL),
        commit=escape.name(str(vcs.get("commit_id") or "")),
        editable=info.get("editable") is True,
    )


def _object(said, name):
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def without_userinfo(url):
    """A URL without user and password. `git@` of an ssh URL says nothing secret, and goes with them."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def headers(data):
    """`name` and `version` of the headers at the beginning of a METADATA or PKG-INFO."""
    found = {}
    for line in data.split(b"\n", _MOST_HEADERS)[:_MOST_HEADERS]:
        key, _colon, value = line.partition(b":")
        key = key.lower()
        if key in (b"name", b"version"):
            found.setdefault(key.decode("ascii"), os.fsdecode(value.strip()))
        # Nearly always they are the first two behind Metadata-Version.
        if not line.strip() or len(found) == 2:
            break
    return found


def normal(name):
    """PEP 503; a name in odd bytes is made harmless and kept."""
    return escape.name(_RUNS.sub("-", name).lower())
