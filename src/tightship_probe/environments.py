"""Which import path a process has: the environment it was started in. Reads, never runs.

Repeats what CPython does when it starts, with what the process was started with, and says from which
evidence. A path that can't be told is `unread`, never empty.
"""

import os

from tightship_probe import frozen
from tightship_probe.command import unpacked_pex
from tightship_probe.conclusion import Conclusion
from tightship_probe.digests import digest
from tightship_probe.importpath import import_path
from tightship_probe.interpreters import interpreter_of
from tightship_probe.patterns import Pattern
from tightship_probe.releasepath import without_release
from tightship_probe.rights import loaded
from tightship_probe.tree import Unreadable

_SITE_OF_LIBRARY = Pattern(r"/.*?(?:/(?:site|dist)-packages(?=/)|\.egg(?=/))")


def environment_of(tree, started):
    """The environment of a process, as in the report; `path` is empty only beside an `unread`."""
    about = Conclusion(tree, started)
    if frozen.is_frozen(about):
        return frozen.environment_of(about)
    interpreter = interpreter_of(about)
    if interpreter is None:
        return _told(about, None, [], [])
    found = _import_path(about, interpreter)
    path = list(found.entries)
    _cross_check(about, path)
    return _told(about, interpreter, path, found.extra)


def _import_path(about, interpreter):
    pex = unpacked_pex(about.started)
    found = None if pex else import_path(about, interpreter)
    if not pex and not about.archive:
        return found
    bundles = loaded("tightship_probe.bundles")  # hardly a server has one
    return bundles.of_pex(about, interpreter, pex) if pex else bundles.of_archive(about, found)


def _told(about, interpreter, path, extra):
    kind, place = about.bundle or (interpreter and (interpreter.kind, interpreter.prefix)) or ("unknown", "")
    return {
        "key": _key(about, interpreter, extra) if interpreter else "unknown:",
        "kind": kind,
        "prefix": place,
        "python": interpreter.python if interpreter else "",
        "path": path,
        "how": about.how,
        "conflict": about.conflict,
        "unread": about.unread,
        "modules": about.modules,
        **(_of_wsgi(about) if about.wsgi else {}),
        # What stands in a bundle says what it runs as; its file's name does not.
        "type": about.command.type if about.bundle else "other",
        "identity": _identity(about, interpreter.prefix) if interpreter and interpreter.virtual else [],
    }


def _of_wsgi(about):
    """Of mod_wsgi: its name in Apache's configuration, where its application lives, and its scripts."""
    modwsgi = loaded("tightship_probe.modwsgi")
    said = modwsgi.settings(about)
    return {"wsgi": [said.name, said.scripts], "place": modwsgi.place(about)} if said else {}


def _identity(about, prefix):
    """Tells an environment that is reached by two ways, such as `current`, from two environments."""
    try:
        status = about.tree.status(prefix)
    except Unreadable:
        return []
    return [status.st_dev, status.st_ino]


def _key(about, interpreter, extra):
    """The environment's place; with a digest of what this process has beside it, if anything."""
    # Where nearly every process has it: the directory of console scripts holds no packages.
    extra = [without_release(path) for path in extra if path != os.path.join(interpreter.prefix, "bin")]
    if "S" in about.command.flags:
        extra.append("-S")
    # The version in the path of an interpreter is no release of the application's.
    key = without_release(interpreter.key) if interpreter.virtual else interpreter.key
    if about.bundle:
        key = without_release("%s:%s" % about.bundle)
        extra = [entry for entry in extra if entry != about.bundle[1]]
    if not extra:
        return key
    return "%s+%s" % (key, digest("\n".join(extra), 4))


def _cross_check(about, path):
    """Libraries in memory that come from elsewhere than the path says: evidence set aside."""
    matches = [_SITE_OF_LIBRARY.match(library) for library in about.started.libraries]
    places = sorted({match.group() for match in matches if match} - set(path))
    if not places:
        return
    real = set()
    for entry in path:
        try:
            real.add(about.tree.real(entry))
        except Unreadable:
            continue
    for place in places:
        if place not in real:
            about.doubt("environment", "maps", place)
