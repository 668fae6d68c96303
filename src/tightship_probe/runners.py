"""What known servers and workers put onto the import path, beside what Python itself does.

Each by its own source: gunicorn 27.0 app/base.py, uvicorn 0.54 main.py, granian 2.8 _internal.py,
hypercorn 0.18 utils.py, daphne 4.2 cli.py, dramatiq 2.2 cli.py, huey 3.5 bin/huey_consumer.py, flask 3.1
cli.py (first); waitress 3.0 runner.py, rq 3.0 cli/helpers.py, arq 0.28 cli.py (last). Celery has the
working directory on it only while it imports the application (5.7 utils/imports.py).
"""

import os

from tightship_probe import gunicornconf
from tightship_probe.rights import loaded
from tightship_probe.tree import Unreadable

_IN_FRONT = {
    # program -> the option that names the directory, else the working directory
    "uvicorn": ("--app-dir",),
    "granian": ("--working-dir",),
    "hypercorn": (),
    "daphne": (),
    "dramatiq": ("--path", "-P"),
    "huey": (),
}
_BEHIND = {"waitress": (), "rq": ("--path", "-P"), "arq": ()}


def in_front(about):
    """Directories that the program inserts before everything else, the foremost first."""
    program, arguments = about.command.program, about.command.arguments
    if program == "gunicorn":
        return _told(about, _of_gunicorn(about))
    if program == "flask" and about.command.subcommand == "run":
        return _told(about, [_of_flask(about)])
    if program == "uwsgi":
        return _told(about, _of_uwsgi(about))
    if program == "mod_wsgi":
        return _told(about, loaded("tightship_probe.modwsgi").in_front(about))
    if program in _IN_FRONT:
        given = options(arguments, _IN_FRONT[program])
        return _told(about, [_joined(about, place) for place in reversed(given or [""])])
    return []


def behind(about):
    """Directories that the program appends after everything else."""
    program = about.command.program
    if program not in _BEHIND:
        return []
    given = options(about.command.arguments, _BEHIND[program])
    return _told(about, [_joined(about, place) for place in given or [""]])


def _told(about, places):
    places = [place for place in places if place]
    if places:
        about.tell("path", about.command.program, "it adds " + ", ".join(places))
    return places


def _joined(about, place):
    """A path as given to the program, from its working directory; "" where that is not known."""
    if place.startswith("/"):
        return os.path.normpath(place)
    cwd = about.cwd
    return os.path.normpath(os.path.join(cwd, place)) if cwd else ""


def _of_gunicorn(about):
    """--pythonpath, then the directory that it changed to, by the name that it was given or found."""
    words = about.variable("GUNICORN_CMD_ARGS").split() + about.command.arguments
    said = gunicornconf.settings(about, "".join(options(words, ("-c", "--config"))[-1:]))
    if said.get("wsgi_app") and not about.command.target:
        about.modules.append(said["wsgi_app"].partition(":")[0])
    places = []
    for value in options(words, ("--pythonpath",))[-1:] or [said.get("pythonpath", "")]:
        places += [_joined(about, place) for place in value.split(",") if place]
    chdir = options(words, ("--chdir",))[-1:] or [said[name] for name in ("chdir",) if name in said]
    # Without --chdir it goes by PWD, which may lead through a link such as `current`.
    named = [_joined(about, place) for place in chdir] + [about.variable("PWD")]
    # It was on the path from where it was started, before it went to --chdir.
    first = [about.start] if chdir and about.start != about.cwd else []
    return [*reversed(places), _same_as_cwd(about, named), *first]


def _of_uwsgi(about):
    """--pythonpath, the last one foremost; what it imports is told on the way."""
    said = loaded("tightship_probe.uwsgi").settings(about)
    for module in said.get("module", ())[-1:]:
        about.modules.append(module.partition(":")[0])
    for path in said.get("file", ())[-1:]:
        about.modules.append(os.path.splitext(os.path.basename(path))[0])
    places = said.get("pythonpath", [])
    return [_joined(about, place) for place in [*reversed(places), "."]]


def _same_as_cwd(about, named):
    cwd = about.cwd
    for place in named:
        if place.startswith("/") and place != cwd and about.same_file(place, cwd):
            return place
    return cwd


def _of_flask(about):
    """The directory above the package that --app names as a file, else the working directory."""
    for value in options(about.command.arguments, ("--app", "-A")):
        path = value.partition(":")[0]
        if "/" in path or path.endswith(".py"):
            return _above_package(about, os.path.dirname(_joined(about, path)))
    return about.cwd


def _above_package(about, place):
    for _ in range(20):
        if not about.tree.exists(place + "/__init__.py"):
            break
        place = os.path.dirname(place)
    try:
        return about.tree.real(place)
    except Unreadable:
        return place


def options(arguments, names):
    """Values of the options that have one of `names`, in their order."""
    found = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names and (equals or place + 1 < len(arguments)):
            found.append(value if equals else arguments[place + 1])
    return found
