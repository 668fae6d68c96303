"""What uWSGI was told: by its command line, and by the ini file that this names."""

import os

from tightship_probe.patterns import Pattern
from tightship_probe.tree import Unreadable

_OPTIONS = {
    "H": "home",
    "home": "home",
    "virtualenv": "home",
    "venv": "home",
    "pyhome": "home",
    "pythonpath": "pythonpath",
    "python-path": "pythonpath",
    "pp": "pythonpath",
    "w": "module",
    "module": "module",
    "wsgi": "module",
    "wsgi-file": "file",
    "file": "file",
    "chdir": "chdir",
    "master": "master",
    "M": "master",
}
_OTHER_FORMS = {".yaml": "yaml", ".yml": "yaml", ".xml": "xml", ".json": "json"}
_INI = frozenset(["ini", "ini-paste", "include", "inherit"])
_MOST = 262144
_MOST_FILES = 20
_MOST_LINES = 5000
_MAGIC = Pattern(r"%([a-zA-Z%])")


def settings(about):
    """{option: [values]} of those that decide what is imported. `about`: a `Conclusion`."""
    if about.uwsgi is None:
        about.uwsgi = {}
        _of_words(about, about.started.argv[1:], [])
    return about.uwsgi


def _of_words(about, words, seen):
    place = 0
    while place < len(words):
        word = words[place]
        name, equals, value = word.lstrip("-").partition("=")
        takes = word.startswith("-") and not equals and place + 1 < len(words)
        if not word.startswith("-"):
            _of_file(about, word, seen)
        elif name in _INI or name in _OPTIONS or name in ("yaml", "xml", "json"):
            if takes and not words[place + 1].startswith("-"):
                value = words[place + 1]
                place += 1
            _take(about, name, value, seen)
        elif takes and not words[place + 1].startswith("-"):
            place += 1  # the value of an option that does not concern us
        place += 1


def _take(about, name, value, seen):
    if name in _OPTIONS:
        about.uwsgi.setdefault(_OPTIONS[name], []).append(value)
    else:
        _of_file(about, value, seen)


def _of_file(about, word, seen):
    name, _, section = word.partition(":")
    form = os.path.splitext(name)[1]
    if form in _OTHER_FORMS:
        about.miss(name, "configuration of uWSGI in %s is not read" % _OTHER_FORMS[form])
        return
    if form != ".ini" or len(seen) >= _MOST_FILES or word in seen:
        return
    path = _found(about, name)
    try:
        text = os.fsdecode(about.tree.read(path, _MOST))
    except Unreadable as why:
        about.miss(name, why)
        return
    about.tell("path", "uwsgi ini", path)
    _of_ini(about, text, section or "uwsgi", path, [*seen, word])


def _found(about, name):
    for start in (about.start, about.cwd, about.started.parents_cwd, "/"):
        path = os.path.normpath(os.path.join(start or "/", name))
        if about.tree.exists(path):
            return path
    return os.path.normpath(os.path.join(about.start or about.cwd or "/", name))


def _of_ini(about, text, wanted, path, seen):
    section = ""
    for line in text.split("\n")[:_MOST_LINES]:
        plain = line.strip()
        if plain.startswith("["):
            section = plain.strip("[]").strip()
        name, equals, value = plain.partition("=")
        name = name.strip()
        is_ours = section == wanted and equals and not plain.startswith(("#", ";"))
        if is_ours and (name in _OPTIONS or name in _INI):
            _take(about, name, _expanded(value.strip(), path), seen)


def _expanded(value, path):
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    known = {"d": folder + "/", "p": path, "s": name, "n": stem, "c": os.path.basename(folder), "%": "%"}
    return _MAGIC.sub(lambda match: known.get(match.group(1), match.group()), value)
