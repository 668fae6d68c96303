"""Which interpreter a process runs, and the environment that it belongs to: what getpath does at a start.

`pyvenv.cfg` is looked for beside the interpreter as it was called. What that links to is the base
interpreter, which gives the standard library.
"""

import os
import re

from tightship_probe.patterns import Pattern
from tightship_probe.rights import loaded
from tightship_probe.tree import Missing, Unreadable

_NAME = Pattern(r"(?P<kind>python|pypy)(?P<short>\d\.\d+t?)?[\d.]*\Z")
_FOLDER = Pattern(r"(?P<kind>python|pypy)(?P<short>\d\.\d+t?)\Z")
_SITE = Pattern(r"(?P<prefix>/.*?)/lib(?:64)?/(?:python|pypy)\d\.\d+t?/(?:site|dist)-packages/")
_PATCHLEVEL = Pattern(rb'PY_VERSION\s+"(\d+\.\d+\.\d+)')
_MOST_LINKS = 20


class Interpreter(object):
    """An interpreter, and what its place says."""

    def __init__(self, called):
        self.called = called
        """path as called: a venv's bin/python"""
        self.real = called
        """the file behind the links of its last component, as CPython follows them"""
        self.prefix = ""
        """sys.prefix: the environment"""
        self.base = ""
        """sys.base_prefix: where the standard library is; empty: not found"""
        self.kind = ""
        self.virtual = False
        self.sees_system = True
        """whether the base interpreter's site directories are on its path"""
        self.folder = ""
        """name of the library folder: python3.11"""
        self.python = ""
        """version, as exactly as it can be told"""

    @property
    def key(self):
        """What it is called in a report: venv:/srv/shop/venv, system:/usr/bin/python3.11."""
        if self.virtual or self.kind == "conda" or not self.folder:
            return "%s:%s" % (self.kind, self.prefix)
        return "%s:%s/bin/%s" % (self.kind, self.base, self.folder)


def interpreter_of(about):
    """The `Interpreter` of a process, or None; the evidence goes to `about`, a `Conclusion`."""
    for how, path in _candidates(about):
        if path and about.tree.exists(path):
            about.tell("interpreter", how, path)
            if about.exe and about.same_file(path, about.exe) is False and how in ("argv", "VIRTUAL_ENV"):
                about.doubt("interpreter", "exe", about.started.exe)
            return _placed(about, Interpreter(path))
    about.miss("import path", "the interpreter could not be told")
    return None


def prefixes_of(files):
    """The environments that libraries come from, told by their paths."""
    return sorted({match.group("prefix") for match in map(_SITE.match, files) if match})


def _candidates(about):
    """(how, path), the best first. CPython itself goes by argv[0]; a title in its place says nothing."""
    argv, rewritten = about.started.argv, about.command.rewritten
    if argv and not rewritten and _NAME.match(os.path.basename(argv[0])):
        if "/" in argv[0]:
            yield "argv", about.absolute(argv[0])
        else:
            yield "PATH", _on_path(about, argv[0])
    if about.started.execfn:
        yield "execfn", _of_execfn(about)
    if about.command.program == "uwsgi":
        yield "home", _home_of_uwsgi(about)
    if about.command.program == "mod_wsgi":
        yield _of_mod_wsgi(about)
        return  # nothing else of Apache's tells which Python is inside
    libraries = prefixes_of(about.started.libraries) or prefixes_of(about.started.deleted)
    if len(libraries) == 1:
        yield "maps", _python_of(about, libraries[0])
    home = about.variable("VIRTUAL_ENV")
    if home and rewritten and about.same_file(home + "/bin/python", about.exe):
        yield "VIRTUAL_ENV", home + "/bin/python"
    yield "exe", about.exe


def _python_of(about, prefix):
    """The interpreter of an environment. That of the system is called python3 only."""
    for name in ("python", "python3", os.path.basename(about.exe)):
        if about.tree.exists("%s/bin/%s" % (prefix, name)):
            return "%s/bin/%s" % (prefix, name)
    return ""


def _of_execfn(about):
    """What was given to execve: an interpreter, or a script that names one."""
    path = about.absolute(about.started.execfn)
    return path if _NAME.match(os.path.basename(path)) else _from_shebang(about, path)


def _from_shebang(about, script):
    try:
        first = about.tree.head(script, 512).split(b"\n")[0] if script else b""
    except Unreadable:
        return ""
    words = os.fsdecode(first[2:]).split() if first.startswith(b"#!") else []
    if len(words) > 1 and os.path.basename(words[0]) == "env":
        names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        return _on_path(about, names[0]) if names else ""
    return words[0] if words and _NAME.match(os.path.basename(words[0])) else ""


def _on_path(about, name):
    """The first of PATH; not one that the process does not run (PATH may have been another's)."""
    path = about.variable("PATH")
    for folder in path.split(":")[:100] if path else ():
        found = about.absolute(os.path.join(folder or ".", name))
        if found and about.tree.exists(found) and about.same_file(found, about.exe) is not False:
            return found
    return ""


def _home_of_uwsgi(about):
    """The environment that it was told, else that it lies in, else the one whose libpython it has mapped."""
    for home in loaded("tightship_probe.uwsgi").settings(about).get("home", ())[-1:]:
        return _python_of(about, about.absolute(home))
    above = os.path.dirname(os.path.dirname(about.exe))
    if about.tree.exists(above + "/pyvenv.cfg"):
        return _python_of(about, above)
    return _of_libpython(about)


def _of_mod_wsgi(about):
    """The environment that it was told, else the interpreter whose libpython Apache has mapped."""
    home = loaded("tightship_probe.modwsgi").home(about)
    if home is None:
        return "python-home", ""
    if not home:
        return "maps", _of_libpython(about)
    place = about.absolute(home)
    found = _python_of(about, place) if place else ""
    if not found:
        about.miss("interpreter", "no interpreter below python-home %s" % home)
    return "python-home", found


def _of_libpython(about):
    """The interpreter that belongs to the libpython that is mapped."""
    folder, name = os.path.split(about.started.libpython)
    match = re.match(r"libpython(\d\.\d+t?)", name)
    python = match.group(1) if match else ""
    for above in _upwards(folder) if python else ():
        found = "%s/bin/python%s" % (above, python)
        if about.tree.exists(found):
            return found
    return ""


# What its place says


def _placed(about, found):
    found.real = _behind_links(about, found.called)
    folder = os.path.dirname(found.called)
    settings = None
    for place in (os.path.dirname(folder), folder):
        settings = _pyvenv(about, place + "/pyvenv.cfg") if settings is None else settings
    found.virtual = settings is not None
    if settings is not None:
        found.prefix = os.path.dirname(folder)
        found.kind = _kind_of_virtual(found.prefix, settings)
        found.sees_system = settings.get("include-system-site-packages", "false").lower() == "true"
    _give_folder(about, found, settings or {})
    _give_base(about, found, settings or {})
    if not found.virtual:
        found.prefix = found.base or os.path.dirname(os.path.dirname(found.real))
        found.kind = _kind_of_base(about, found.prefix)
        about.tell("environment", "interpreter", found.real)
    found.python = _version(about, found, settings or {})
    return found


def _behind_links(about, path):
    """Follows links of the last component only: that is what decides where CPython looks for its library."""
    for _ in range(_MOST_LINKS):
        try:
            target = about.tree.link(path)
        except Unreadable:
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))
    return path


def _pyvenv(about, path):
    """Settings in a pyvenv.cfg; None where there is none."""
    try:
        text = about.tree.read(path, 65536)
    except Missing:
        return None
    except Unreadable as why:
        about.miss(path, why)
        return {}
    about.tell("environment", "pyvenv.cfg", path)
    pairs = [line.partition("=") for line in os.fsdecode(text).split("\n")[:200]]
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _kind_of_virtual(prefix, settings):
    if "/pipx/venvs/" in prefix:
        return "pipx"
    if "/uv/tools/" in prefix:
        return "uv tool"
    return "uv" if "uv" in settings else "venv"


def _kind_of_base(about, prefix):
    if about.tree.exists(prefix + "/conda-meta"):
        return "conda"
    return "system" if prefix == "/usr" else "python"


def _give_folder(about, found, settings):
    """The name of the library's folder: from what runs, else from what is said, else from what is there."""
    names = [os.path.basename(about.exe), os.path.basename(found.real)]
    matches = [match for match in map(_NAME.match, names) if match]
    kind = matches[0].group("kind") if matches else "python"
    running = [match.group("short") for match in matches if match.group("short")]
    said = re.match(r"\d\.\d+", _said(settings))
    if running:
        found.folder = kind + running[0]
        if said and said.group() != running[0].rstrip("t"):
            about.doubt("python", "pyvenv.cfg", _said(settings))
    elif said:
        found.folder = kind + said.group()
    else:
        found.folder = _only_folder(about, found.prefix or os.path.dirname(os.path.dirname(found.real)))


def _said(settings):
    return settings.get("version_info") or settings.get("version") or ""


def _only_folder(about, prefix):
    """python3.11, where a prefix has one such library; "" where it has none or several."""
    try:
        with about.tree.directory(prefix + "/lib") as folder:
            names = [name for name in folder.names() if _FOLDER.match(name)]
    except Unreadable:
        return ""
    return names[0] if len(names) == 1 else ""


def _give_base(about, found, settings):
    """Search upwards for the standard library: from pyvenv.cfg's home, then from what really runs."""
    places = [settings.get("home", ""), os.path.dirname(found.real), os.path.dirname(about.exe)]
    for place in dict.fromkeys(places):
        for prefix in _upwards(place) if found.folder else ():
            if library_of(about.tree, prefix, found.folder):
                found.base = prefix
                return
    about.miss("standard library", "not found by %s" % found.called)


def _upwards(place):
    """A directory and those above it; not the root, which CPython does not look at either."""
    place = place.rstrip("/")
    while len(place) > 1 and place.startswith("/"):
        yield place
        place = os.path.dirname(place)


def library_of(tree, prefix, folder):
    """The standard library's directory below a prefix; "" where it is not."""
    for lib in ("lib", "lib64"):
        place = "%s/%s/%s" % (prefix.rstrip("/"), lib, folder)
        if tree.exists(place + "/os.py") or tree.exists(place + "/os.pyc"):
            return place
    return ""


def _version(about, found, settings):
    """X.Y.Z where pyvenv.cfg, headers or Debian tell, else X.Y."""
    match = _FOLDER.match(found.folder)
    short = match.group("short").rstrip("t") if match else ""
    said = re.match(r"\d+\.\d+(?:\.\d+)?", _said(settings))
    if said and (said.group() + ".").startswith(short + "."):
        return said.group()
    for folder in (found.folder, found.folder + "m"):  # python3.7m: of a Python before 3.8
        try:
            header = about.tree.head("%s/include/%s/patchlevel.h" % (found.base, folder), 4096)
        except Unreadable:
            continue
        exact = _PATCHLEVEL.search(header)
        if exact:
            return exact.group(1).decode("ascii")
    if found.base == "/usr":
        return loaded("tightship_probe.debianpython").version(about.tree, found.folder) or short
    return short
