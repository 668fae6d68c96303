"""What gunicorn's configuration file says, as far as plain values say it. It is Python, and is not run."""

import os

from tightship_probe.rights import loaded
from tightship_probe.tree import Missing, Unreadable

_WANTED = ("wsgi_app", "pythonpath", "chdir", "bind", "proc_name")
_MOST = 65536


def settings(about, given):
    """{setting: value} of the file that was named (`given`), or of the one that gunicorn looks for."""
    name = given[len("file:") :] if given.startswith("file:") else given or "gunicorn.conf.py"
    if name.startswith("python:"):
        about.miss(name, "a module that configures gunicorn, and is not run")
        return {}
    path = name if name.startswith("/") else os.path.join(about.start or about.cwd, name)
    try:
        text = about.tree.read(os.path.normpath(path), _MOST)
    except Missing as why:
        if given:
            about.miss(name, why)
        return {}
    except Unreadable as why:
        about.miss(name, why)
        return {}
    return _said(about, path, text)


def _said(about, path, text):
    ast = loaded("ast")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        about.miss(path, "its Python is not understood")
        return {}
    found, computed = {}, set()
    for statement in tree.body:
        for name in _assigned(ast, statement):
            found.pop(name, None)
            computed.discard(name)
            try:
                found[name] = ast.literal_eval(statement.value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                computed.add(name)
    # An address shows in what listens; the others decide what is imported.
    for name in sorted(computed & {"wsgi_app", "pythonpath", "chdir"}):
        about.miss(path, "%s in it is computed, and it is not run" % name)
    said = {name: value for name, value in found.items() if isinstance(value, str)}
    if said:
        about.tell("path", "gunicorn.conf.py", path)
    return said


def _assigned(ast, statement):
    """Names of settings that a plain statement assigns."""
    if isinstance(statement, ast.Assign):
        return [
            target.id for target in statement.targets if isinstance(target, ast.Name) and target.id in _WANTED
        ]
    return []
