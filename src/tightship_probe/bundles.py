"""Applications in one file that bring their packages: pex, shiv, zipapp.

Python puts the archive first on its path, as it does with a script's directory. A zipapp leaves it at
that. shiv unpacks its packages once and puts them in front of the interpreter's; pex unpacks itself,
starts anew from there, and takes the interpreter's site directories away. Both say in a file of their
own what they hold and what they run. By the sources of pex 2.105 (pex.py, environment.py) and shiv 1.0
(bootstrap/__init__.py).
"""

import json
import os
import re

from tightship_probe import command, importpath, runners
from tightship_probe.archives import Archive
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Missing, Unreadable

_MOST_INFO = 1024 * 1024
_MOST_METADATA = 65536
_MOST_PACKAGES = 2000
_MOST_REQUIRED = 20000
_MOST_FURTHER = 50
_HASH = Pattern(r"[0-9a-f]{40,64}\Z")
_WHEEL = Pattern(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-(?P<py>[^-]+)-(?P<abi>[^-]+)-[^-]+\.whl\Z")
_REQUIREMENT = Pattern(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = Pattern(r"\bextra\s*==\s*[\"']([^\"']*)[\"']")


# pex


def of_pex(about, interpreter, place):
    """The `ImportPath` of a pex that runs from `place`, where it was unpacked."""
    about.bundle = ("pex", about.command.script)
    about.tell("environment", "PEX", about.command.script)
    if interpreter.virtual and about.same_file(place, interpreter.prefix):
        return _of_pex_venv(about, interpreter)
    return _of_pex_folder(about, interpreter, place)


def _of_pex_folder(about, interpreter, place):
    found = importpath.ImportPath(about, interpreter)
    try:
        info = _json(about.tree.read(place + "/PEX-INFO", _MOST_INFO))
        starts_there = _enter_pex(about, info)
        found.add_all(runners.in_front(about))
        if starts_there:
            found.add(about.cwd, True)
        further = _further(about, place, info)
        for path, unpacked, _info in reversed(further):
            found.add(about.tree.real(unpacked))
            found.extra.append(path)  # which outlives a new build of it
        found.add(about.tree.real(place))
        importpath.standard_library(found)
        if (about.variable("PEX_INHERIT_PATH") or info.get("inherit_path") or "false") != "false":
            importpath.site(found)
            about.miss(
                "import path", "a pex that inherits its interpreter's path: in which order is not told"
            )
        for entry in (about.variable("PEX_EXTRA_SYS_PATH")).split(":"):
            found.add(entry)
        for _path, one, said in [("", place, info), *further]:
            for name in _in_order(about, interpreter, one, said):
                found.add(about.tree.real("%s/.deps/%s" % (one, name)))
        found.add(about.tree.real(place) + "/.bootstrap")
        found.add_all(runners.behind(about))
    except Unreadable as why:
        about.miss("import path", why)
    return found


def _further(about, place, info):
    """[(path, where it is unpacked, its PEX-INFO)] of the pex files that it takes packages from, in order."""
    named = _texts(info.get("pex_paths")) or str(info.get("pex_path") or "").split(":")
    named = dict.fromkeys(path for path in named + about.variable("PEX_PATH").split(":") if path)
    found = []
    for path in [os.path.join(about.cwd, path) for path in named][:_MOST_FURTHER]:
        try:
            found.append((path, *_unpacked(about, path, os.path.dirname(place))))
            about.tell("path", "PEX_PATH", path)
        except Unreadable as why:
            about.miss(path, why)
    if len(named) > _MOST_FURTHER:
        about.miss("PEX_PATH", "more than %d further pex files" % _MOST_FURTHER)
    return found


def _unpacked(about, path, folder):
    """A further pex, as it was unpacked beside the first; a loose one lies where it is."""
    try:
        with Archive(about.tree, path) as archive:
            info = _json(archive.read("PEX-INFO", _MOST_INFO))
    except Missing:
        raise Unreadable("no such pex")
    except Unreadable:
        info = _json(about.tree.read(path + "/PEX-INFO", _MOST_INFO))
    called = info.get("pex_hash")
    if isinstance(called, str) and _HASH.match(called) and about.tree.exists("%s/%s" % (folder, called)):
        return "%s/%s" % (folder, called), info
    if about.tree.exists(path + "/.deps"):
        return path, info
    raise Unreadable("what this pex was unpacked to is not there")


def _of_pex_venv(about, interpreter):
    """It made a virtual environment, and starts that."""
    try:
        info = _json(about.tree.read(interpreter.prefix + "/PEX-INFO", _MOST_INFO))
    except Unreadable as why:
        about.miss(interpreter.prefix + "/PEX-INFO", why)
        info = {"entry_point": "unknown"}
    front = importpath.ImportPath(about, interpreter)
    starts_there = _enter_pex(about, info)
    front.add_all(runners.in_front(about))
    if starts_there:
        front.add(about.cwd, True)
    # It is started with -I, and brings no packages of its own.
    rest = importpath.import_path(about, interpreter)
    for entry in rest.entries:
        if entry != about.command.script:
            front.add(entry)
    return front


def _enter_pex(about, info):
    """Take up what the pex runs, as its command. True: it is used as an interpreter, which adds "" first."""
    given = about.variable("PEX_MODULE") or about.variable("PEX_SCRIPT")
    runs = given or info.get("script") or info.get("entry_point")
    arguments = about.command.arguments
    if runs and not about.variable("PEX_INTERPRETER"):
        _enter(about, runs, arguments)
        return False
    if arguments[:1] == ["-m"] and len(arguments) > 1:
        _enter(about, arguments[1], arguments[2:])
    elif arguments and not arguments[0].startswith("-"):
        _enter(about, arguments[0], arguments[1:])
    return True


def _enter(about, runs, arguments):
    if isinstance(runs, str):
        about.tell("program", "entry point", runs)
        about.command = command.entered(about.command, runs.partition(":")[0], arguments)


def _in_order(about, interpreter, place, info):
    """Names of the wheels that it puts on the path: what its requirements lead to, depth first."""
    by_project = _wheels(about, interpreter, info)
    waiting = _texts(info.get("requirements"))[::-1]
    order, seen = {}, set()
    while waiting:
        project, extras = _project(waiting.pop())
        name = by_project.get(project)
        if name is None or (project, extras) in seen:
            continue
        seen.add((project, extras))
        order[name] = True
        if len(seen) > _MOST_PACKAGES:
            raise Unreadable("more than %d packages in a pex" % _MOST_PACKAGES)
        waiting += reversed(_required(about, place, name, extras))
        if len(waiting) > _MOST_REQUIRED:
            raise Unreadable("more than %d requirements in a pex" % _MOST_REQUIRED)
    for name in by_project.values():
        if name not in order:
            about.miss(name, "it is in the pex, and nothing in it requires it")
    return list(order)


def _wheels(about, interpreter, info):
    """Normal name of a project -> the wheel of it that fits the interpreter."""
    found = {}
    names = info.get("distributions")
    for name in sorted(names) if isinstance(names, dict) else ():
        match = _WHEEL.match(name)
        if not match or "/" in name:
            continue
        rank = _rank(match, interpreter.folder)
        if not rank:
            continue
        project = _normal(match.group("name"))
        if project in found and found[project][0] == rank:
            about.miss(name, "several builds of it are in the pex: which one is used is not told")
        found[project] = max(found.get(project, (0, "")), (rank, name))
    return {project: name for project, (_rank, name) in found.items()}


def _rank(match, folder):
    """How well a wheel fits: one for this version best; 0: not at all."""
    short = folder.replace("python", "").rstrip("t")
    major, _dot, minor = short.partition(".")
    tags = match.group("py").split(".")
    if "cp%s%s" % (major, minor) in tags:
        return 3
    if match.group("abi") == "abi3" and any(tag.startswith("cp" + major) for tag in tags):
        return 2
    return 1 if {"py" + major, "py%s%s" % (major, minor)}.intersection(tags) else 0


def _required(about, place, name, extras):
    """What a wheel requires. Markers but those of extras are left: what they excluded is not in the pex."""
    wheel = "%s/.deps/%s" % (place, name)
    try:
        with about.tree.directory(wheel) as folder:
            metadata = [entry for entry in folder.names() if entry.endswith(".dist-info")]
        head = about.tree.head("%s/%s/METADATA" % (wheel, metadata[0]), _MOST_METADATA) if metadata else b""
    except Unreadable as why:
        about.miss(wheel, why)
        return []
    found = []
    for line in os.fsdecode(head).partition("\n\n")[0].split("\n"):
        key, _colon, value = line.partition(":")
        if key.lower() != "requires-dist":
            continue
        wanted = _EXTRA.search(value.partition(";")[2])
        if not wanted or _normal(wanted.group(1)) in extras:
            found.append(value)
    return found


def _project(requirement):
    match = _REQUIREMENT.match(requirement)
    if not match:
        return "", ()
    extras = (match.group(2) or "").split(",")
    return _normal(match.group(1)), tuple(sorted(_normal(extra.strip()) for extra in extras if extra.strip()))


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _texts(value):
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


# shiv and zipapp


def of_archive(about, found):
    """The `ImportPath` that Python built for the archive that it runs, with what the archive adds to it."""
    try:
        with Archive(about.tree, about.archive) as archive:
            info = archive.read("environment.json", _MOST_INFO)
    except Missing:
        about.bundle = ("zipapp", about.archive)
        return found
    except Unreadable as why:
        about.bundle = ("zipapp", about.archive)
        about.miss(about.archive, why)
        return found
    try:
        return _of_shiv(about, found, _json(info))
    except Unreadable as why:
        about.miss(about.archive, why)
        return found


def _of_shiv(about, found, info):
    build = info.get("build_id")
    if not isinstance(build, str) or not build or "/" in build:
        about.bundle = ("zipapp", about.archive)
        return found
    about.bundle = ("shiv", about.archive)
    about.tell("environment", "environment.json", about.archive)
    own = importpath.ImportPath(about, found.interpreter)
    name = os.path.basename(about.tree.real(about.archive))
    place = "%s/%s_%s/site-packages" % (_root_of_shiv(about, info), name, build)
    if not importpath.add_site(own, place):
        about.miss(place, "what the archive was unpacked to is not there")
    given = about.variable("SHIV_CONSOLE_SCRIPT") or info.get("script")
    given = given or about.variable("SHIV_ENTRY_POINT") or info.get("entry_point")
    if not about.variable("SHIV_INTERPRETER"):
        _enter(about, given, about.command.arguments)
    whole = importpath.ImportPath(about, found.interpreter)
    whole.extra = list(found.extra)
    before = list(found.entries)
    first = next((at for at, entry in enumerate(before) if _is_site(entry)), len(before))
    prepended = info.get("prepend_pythonpath")
    for entry in runners.in_front(about) + ([prepended] if isinstance(prepended, str) else []):
        whole.add(entry, True)
    for entry in before[:first] + list(own.entries) + before[first:]:
        whole.add(entry)
    whole.add_all(runners.behind(about))
    return whole


def _is_site(entry):
    return os.path.basename(entry) in ("site-packages", "dist-packages")


def _root_of_shiv(about, info):
    root = about.variable("SHIV_ROOT") or info.get("root") or "~/.shiv"
    if not isinstance(root, str) or root.startswith("$"):
        about.miss(about.archive, "where it unpacks itself is in a variable that is not looked at")
        return ""
    if root.startswith("~/"):
        home = importpath.home(about)
        return home + root[1:]
    return os.path.join(about.cwd, root)


def _json(data):
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unreadable("no JSON")
    if not isinstance(found, dict):
        raise Unreadable("no JSON object")
    return found
