"""The import path that an interpreter builds when it starts: what CPython's getpath and site do."""

import os
import re

from tightship_probe import runners
from tightship_probe.command import calls_python
from tightship_probe.interpreters import library_of
from tightship_probe.patterns import Pattern
from tightship_probe.rights import loaded
from tightship_probe.tree import Missing, Unreadable

MOST_PTH = 200
MOST_LINES = 2000
MOST_PATH = 3000
_MOST_SCRIPT = 262144
_BUILDOUT = Pattern(rb"^sys\.path\[0:0\] = (\[.*?^\s*\])", re.S | re.M)
_UP = Pattern(rb"^ *base = os\.path\.dirname\(base\)", re.M)
_LIST_IN_SITE = rb"^    %s_paths = (\[.*?^ *\])"
_ENTRY_OF_ZIP = b"PK\3\4"
_CODE_THAT_ADDS = Pattern(r"\bsys\s*\.\s*path\b(?!_)|\baddsitedir\b")
_MAPPING = Pattern(rb"^MAPPING(?::[^=\n]*)?= (\{.*\})$", re.M)


class ImportPath(object):
    """Entries in their order, each once. `extra`: those that the environment alone would not have."""

    def __init__(self, about, interpreter):
        self.about = about
        self.tree = about.tree
        self.interpreter = interpreter
        self.entries = {}
        self.extra = []

    def add(self, path, is_extra=False):
        if not path or path in self.entries:
            return
        if len(self.entries) >= MOST_PATH:
            raise Unreadable("more than %d entries" % MOST_PATH)
        self.entries[path] = True
        if is_extra:
            self.extra.append(path)

    def add_all(self, paths):
        for path in paths:
            self.add(path, True)


def import_path(about, interpreter):
    """The `ImportPath` of a process."""
    found = ImportPath(about, interpreter)
    try:
        found.add_all(runners.in_front(about))
        found.add_all(_of_script(found))
        found.add_all(_of_variable(found))
        standard_library(found)
        if interpreter.folder.startswith("python2") and _site_of_buildout(found):
            pass
        elif "S" in about.command.flags:
            about.tell("path", "argv", "-S: without site-packages")
        else:
            site(found)
        found.add_all(runners.behind(about))
    except Unreadable as why:
        about.miss("import path", why)
    return found


# In front of everything


def _of_script(found):
    """What the interpreter puts first, sys.path[0], and what a buildout's script puts before that."""
    about, command = found.about, found.about.command
    if command.program == "mod_wsgi":
        return []
    if command.program == "uwsgi" and not calls_python(about.started.argv):
        return []
    if command.rewritten:
        return [os.path.dirname(found.interpreter.called)]  # a console script, most likely
    script = about.absolute(command.script) if command.script else ""
    if command.script and not script:
        about.miss(command.script, "the script was not found from the working directory")
    eggs = _of_buildout(found, script) if script else []
    place = _place_of(found, script) if script else about.cwd
    is_safe = about.isolated or "P" in command.flags or about.variable("PYTHONSAFEPATH")
    # A directory or an archive that is run is on the path in any case.
    return eggs if is_safe and place != script else [*eggs, place]


def _place_of(found, script):
    """The directory that a script is in, links resolved; a directory or an archive stands for itself."""
    try:
        with found.tree.directory(script):
            return script
    except Unreadable:
        pass
    if script == found.about.archive:
        return script
    try:
        return os.path.dirname(found.tree.real(script))
    except Unreadable as why:
        found.about.miss(script, why)
        return os.path.dirname(script)


def _of_buildout(found, script):
    """The list that a buildout's script puts in front: cut out, and read as a literal."""
    try:
        head = found.tree.head(script, _MOST_SCRIPT)
    except Unreadable:
        return []
    if _ENTRY_OF_ZIP in head:
        found.about.archive = script
    match = _BUILDOUT.search(head)
    if not match:
        return []
    paths = _list_in(found, script, match.group(1))
    if not isinstance(paths, list):
        found.about.miss(script, "its sys.path[0:0] is no plain list")
        return []
    found.about.tell("path", "buildout script", script)
    return [path for path in paths if isinstance(path, str)]


def _list_in(found, script, code):
    """The list that stands in a script as a literal, or with relative paths; another value: it is none."""
    paths = _literal(code)
    return paths if isinstance(paths, list) else _joined(found, script, code)


def _joined(found, script, code):
    """The list of a script with relative paths, which stand as `join(base, 'eggs/x.egg')`; None: another."""
    ast = loaded("ast")
    try:
        base = os.path.dirname(found.tree.real(script))
        text = found.tree.head(script, _MOST_SCRIPT)
        items = ast.parse(code.decode("utf-8").strip(), mode="eval").body.elts
    except (Unreadable, ValueError, SyntaxError, MemoryError, RecursionError, AttributeError):
        return None
    for _ in range(len(_UP.findall(text))):
        base = os.path.dirname(base)
    paths = []
    for item in items[:MOST_PATH]:
        is_call = (
            isinstance(item, ast.Call) and getattr(item.func, "id", "") == "join" and len(item.args) == 2
        )
        try:
            path = ast.literal_eval(item.args[1] if is_call else item)
        except ValueError:
            return None
        paths.append(os.path.normpath(os.path.join(base, str(path))) if is_call else path)
    return paths


def _literal(code):
    ast = loaded("ast")  # 3 ms, for the few that have something to read with it

    try:
        return ast.literal_eval(code.decode("utf-8"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _of_variable(found):
    """PYTHONPATH. An empty entry is the working directory."""
    about = found.about
    if about.started.variables is None and not about.isolated:
        about.miss("PYTHONPATH", "the environment variables were wiped or could not be read")
    value, cwd = about.variable("PYTHONPATH"), about.cwd
    if not value:
        return []
    paths = [os.path.normpath(os.path.join(cwd, path)) for path in value.split(":")[:MOST_PATH]]
    about.tell("path", "PYTHONPATH", "it adds " + ", ".join(dict.fromkeys(paths)))
    return paths


# The standard library, and site


def standard_library(found):
    interpreter = found.interpreter
    home = found.about.variable("PYTHONHOME").partition(":")[0]
    if home:
        found.about.tell("path", "PYTHONHOME", home)
        found.extra.append(home)
    library = library_of(found.tree, home or interpreter.base, interpreter.folder)
    if not library:
        return
    folder, name = os.path.split(library)
    if name.startswith("python"):
        found.add("%s/%s.zip" % (folder, name.replace(".", "")))
    found.add(library)
    if name.startswith("python2"):
        for folder in [*_platforms(found, library), "lib-tk", "lib-old"]:
            found.add("%s/%s" % (library, folder))
    if name.startswith("python"):
        found.add(library + "/lib-dynload")


def _platforms(found, library):
    """`plat-linux2`; Debian calls it by its architecture."""
    try:
        with found.tree.directory(library) as directory:
            return [name for name in directory.names() if name.startswith("plat-")]
    except Unreadable:
        return []


def _site_of_buildout(found):
    """A `site.py` that zc.buildout 1.5 to 1.7 (z3c.recipe.scripts) made. False: there is none.

    It is imported in place of the interpreter's own, also after -S, and has the eggs and the site
    directories as lists.
    """
    library = library_of(found.tree, found.interpreter.base, found.interpreter.folder)
    for folder in list(found.entries):
        if folder == library:
            break
        try:
            head = found.tree.head(folder + "/site.py", _MOST_SCRIPT)
        except Unreadable:
            continue
        if b"buildout_paths = [" in head:
            _of_site(found, folder + "/site.py", head)
            return True
    return False


def _of_site(found, script, head):
    lists = []
    for name in (b"buildout", b"original"):  # without site-packages the second is not there
        match = re.search(_LIST_IN_SITE % name, head, re.S | re.M)
        paths = _list_in(found, script, match.group(1)) if match else []
        if not isinstance(paths, list):
            found.about.miss(script, "its %s_paths is no plain list" % name.decode("ascii"))
            paths = []
        lists.append([path for path in paths if isinstance(path, str)])
    found.about.tell("path", "buildout site.py", script)
    match = re.search(rb"^    setuptools_path = (.*)$", head, re.M)
    first = _list_in(found, script, b"[" + match.group(1) + b"]") if match else []
    eggs = [path for path in first or [] if isinstance(path, str)] + lists[0]
    found.add_all(path for path in eggs if found.tree.exists(path))
    for place in lists[1]:
        add_site(found, place)


def site(found):
    """Site directories in the order of site.main: the environment's, the user's, the base interpreter's."""
    interpreter, library = found.interpreter, found.interpreter.folder
    if interpreter.virtual:
        places = ["%s/%s/%s/site-packages" % (interpreter.prefix, lib, library) for lib in ("lib64", "lib")]
        if not sum(add_site(found, place) for place in _distinct(found, places)):
            found.about.miss(places[-1], "no such directory, and no other site-packages")
    if interpreter.sees_system:
        add_site(found, _of_user(found), True)
        for place in _of_base(found, interpreter.base, library):
            add_site(found, place)


def _distinct(found, places):
    """`lib` alone where `lib64` is a link to it, as venv makes it."""
    try:
        if found.tree.real(places[0]) == found.tree.real(places[1]):
            return places[1:]
    except Unreadable:
        pass
    return places


def _of_user(found):
    """~/.local: not for -s, -I, nor in an environment that does not see the system."""
    about = found.about
    if about.isolated or "s" in about.command.flags or about.variable("PYTHONNOUSERSITE"):
        return ""
    folder = found.interpreter.folder
    user = (about.started.variables or {}).get("PYTHONUSERBASE") or _user_base(found.about)
    return "%s/lib/%s/site-packages" % (user, folder) if user else ""


def _user_base(about):
    place = home(about)
    return place.rstrip("/") + "/.local" if place.startswith("/") else ""


def home(about):
    """HOME, else as the user's line in passwd has it; empty: not known."""
    place = about.variable("HOME")
    if not place and about.started.variables is not None:
        try:
            lines = os.fsdecode(about.tree.read("/etc/passwd")).split("\n")
        except Unreadable:
            return ""
        fields = [line.split(":") for line in lines]
        homes = [f[5] for f in fields if len(f) > 5 and f[2] == str(about.started.uid)]
        place = homes[0] if homes else ""
    return place


def _of_base(found, base, folder):
    # Debian's interpreter knows dist-packages only, every other one site-packages only.
    if (
        base == "/usr"
        and folder.startswith("python2")
        and found.tree.exists("/usr/lib/%s/dist-packages" % folder)
    ):
        return ["/usr/local/lib/%s/dist-packages" % folder, "/usr/lib/%s/dist-packages" % folder]
    if base == "/usr" and found.tree.exists("/usr/lib/python3/dist-packages"):
        return [
            "/usr/local/lib/%s/dist-packages" % folder,
            "/usr/lib/python3/dist-packages",
            "/usr/lib/%s/dist-packages" % folder,
        ]
    # Fedora's has /usr/local in front, and lib64 beside lib.
    places = ["%s/%s/%s/site-packages" % (base, lib, folder) for lib in ("lib64", "lib")]
    if base == "/usr":
        return [place.replace("/usr/", "/usr/local/") for place in places] + places
    return places[1:] if library_of(found.tree, base, folder).startswith(base + "/lib/") else places


def add_site(found, folder, is_extra=False):
    """A site directory, and what its .pth files add; False where it is not there."""
    if not folder:
        return False
    try:
        with found.tree.directory(folder) as directory:
            found.add(folder, is_extra)
            names = directory.names()
            for name in [name for name in names if name.endswith(".pth") and name[0] != "."][:MOST_PTH]:
                _add_pth(found, folder, name, directory)
            _tell_finders(found, folder, names, directory)
    except Missing:
        return False
    except Unreadable as why:
        found.add(folder, is_extra)
        found.about.miss(folder, why)
    return True


def _add_pth(found, folder, name, directory):
    """Lines that are paths. Those that are code are not run."""
    place = os.path.join(folder, name)
    try:
        lines = os.fsdecode(directory.read(name)).lstrip("\ufeff").splitlines()
    except Unreadable as why:
        found.about.miss(place, why)
        return
    if len(lines) > MOST_LINES:
        found.about.miss(place, "more than %d lines" % MOST_LINES)
    for line in dict.fromkeys(lines[:MOST_LINES]):
        if line.startswith(("import ", "import\t")):
            if _CODE_THAT_ADDS.search(line):
                found.about.miss(place, "code in it may change the import path, and is not run")
        elif line.strip() and not line.startswith("#") and "\0" not in line:
            path = os.path.normpath(os.path.join(folder, line.rstrip()))
            if path not in found.entries and found.tree.exists(path):
                found.add(path)


def _tell_finders(found, folder, names, directory):
    """Editable installs that map modules to their sources: setuptools writes the map as a literal."""
    finders = [name for name in names if name.startswith("__editable__") and name.endswith("_finder.py")]
    for name in finders[:MOST_PTH]:
        try:
            match = _MAPPING.search(directory.head(name, _MOST_SCRIPT))
        except Unreadable as why:
            found.about.miss(os.path.join(folder, name), why)
            continue
        mapping = _literal(match.group(1)) if match else None
        if not isinstance(mapping, dict):
            found.about.miss(os.path.join(folder, name), "no plain MAPPING in it")
            continue
        for module, place in sorted(mapping.items(), key=str)[:20]:
            found.about.tell("path", "editable finder", "%s -> %s" % (module, place))
