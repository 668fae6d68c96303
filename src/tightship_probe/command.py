"""Reads a Python command line: what runs, as what, and which module it was told to run. Pure."""

import os
import re
from typing import List, NamedTuple

from tightship_probe.patterns import Pattern

# Options of the interpreter that take a value of their own.
_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")

RUNNERS = {
    # what starts it -> (program, type)
    "gunicorn": ("gunicorn", "web"),
    "gunicorn3": ("gunicorn", "web"),
    "gunicorn_django": ("gunicorn", "web"),
    "uvicorn": ("uvicorn", "web"),
    "hypercorn": ("hypercorn", "web"),
    "granian": ("granian", "web"),
    "daphne": ("daphne", "web"),
    "waitress": ("waitress", "web"),
    "waitress-serve": ("waitress", "web"),
    "uwsgi": ("uwsgi", "web"),
    "pyuwsgi": ("uwsgi", "web"),
    "mod_wsgi": ("mod_wsgi", "web"),
    "runwsgi": ("zope", "web"),
    "pserve": ("pyramid", "web"),
    "flask": ("flask", "other"),
    "fastapi": ("fastapi", "other"),
    "runzeo": ("zeo", "other"),
    "celery": ("celery", "other"),
    "celeryd": ("celery", "worker"),
    "celerybeat": ("celery", "beat"),
    "rq": ("rq", "other"),
    "rqworker": ("rq", "worker"),
    "rqscheduler": ("rq", "beat"),
    "dramatiq": ("dramatiq", "worker"),
    "huey_consumer": ("huey", "worker"),
    "arq": ("arq", "worker"),
    "procrastinate": ("procrastinate", "other"),
    "taskiq": ("taskiq", "other"),
    "manage": ("django", "other"),
    "django-admin": ("django", "other"),
    "django": ("django", "other"),
}

_DJANGO_WORKERS = (
    "rqworker qcluster db_worker run_huey rundramatiq runworker process_tasks celery celeryd procrastinate"
)
"""Management commands that many projects run for good."""

_BY_SUBCOMMAND = {
    # program -> {subcommand: type}
    "celery": {"worker": "worker", "beat": "beat", "flower": "web"},
    "rq": {"worker": "worker", "worker-pool": "worker", "scheduler": "beat"},
    "procrastinate": {"worker": "worker"},
    "taskiq": {"worker": "worker", "scheduler": "beat"},
    "flask": {"run": "web"},
    "fastapi": {"run": "web", "dev": "web"},
    "django": dict(
        dict.fromkeys(("runserver", "runserver_plus", "testserver"), "web"),
        **dict.fromkeys(_DJANGO_WORKERS.split(), "worker"),
        rqscheduler="beat",
        celerybeat="beat",
    ),
}

SUPERVISORS = ("supervisord", "circusd", "uwsgi-emperor")
"""Programs that start others and keep them running."""

_TARGET = Pattern(r"(?!unix:)[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(.*\))?\Z")
_MODULE = Pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")
_INTERPRETER = Pattern(r"-?(?:python|pypy)[\d.]*[a-z]{0,2}\Z")
_TITLE = Pattern(r"\[?(?P<who>gunicorn|celeryd|celery|granian|uvicorn|rq)\b:?(?P<rest>.*)", re.S)
_TITLE_OF_GUNICORN = Pattern(r"\[([A-Za-z_][\w.]*)(?::[^\]]*)?\]")
_UNPACKED_PEX = Pattern(
    r"(?P<folder>/.*/(?:unzipped_pexes/\d+/[0-9a-f]{40}|venvs/(?:\d+/)?(?:s/)?[0-9a-f/]+(?:/venv)?))"
    r"(?:/pex|/__main__\.py)?/?\Z"
)
_OPTIONS_IN_TITLE = Pattern(r"\((-.*)\)")

_SERVE_A_TARGET = frozenset(
    "gunicorn uvicorn hypercorn granian daphne waitress fastapi dramatiq taskiq".split()
)
_SERVE_A_MODULE = frozenset("gunicorn arq dramatiq huey".split())
_WITHOUT_VALUE = frozenset(
    "--reload --preload --daemon -D --reuse-port --no-sendfile --sendfile -R --capture-output "
    "--enable-stdio-inheritance --disable-redirect-access-to-syslog --check-config".split()
)


class Command(NamedTuple):
    """A command line, understood."""

    flags: str
    """the interpreter's one-letter flags: `IE` of `python -I -E`"""
    script: str
    """the file that is run, as written; empty: none"""
    module: str
    """what -m runs"""
    code: bool
    """-c"""
    arguments: List[str]
    """behind the script, module or code"""
    program: str
    """what runs it: gunicorn, celery, the script's name, ..."""
    type: str
    """web, worker, beat or other"""
    target: str
    """the module that the program was told to run: `shop.wsgi`"""
    subcommand: str
    """`worker` of `celery -A shop worker`; empty where the program has none, or it is not known"""
    rewritten: bool
    """the process has replaced its command line by a title, or wiped it"""

    @property
    def runner(self):
        """Whether the program is a known server or worker, to be judged by what it runs."""
        return self.program in _PROGRAMS

    @property
    def interactive(self):
        """Whether nothing was given to run: a person types, or standard input does."""
        return not (self.script or self.module or self.code or self.rewritten)


_PROGRAMS = frozenset(program for program, _type in RUNNERS.values())


def of_process(started):
    """The command line of a process, as it was given: a pex starts itself anew from where it is unpacked."""
    if started.apache is not None:
        return Command("", "", "", False, [], "mod_wsgi", "web", "", started.wsgi, True)
    found = understood(started.argv, started.exe)
    if not unpacked_pex(started, found):
        return found
    pex = started.variables["PEX"]
    return _command(found.flags, pex, "", False, found.arguments, pex)


def unpacked_pex(started, command=None):
    """The directory that a pex is unpacked to and runs from; "" where a process is none."""
    pex = (started.variables or {}).get("PEX", "")
    if not pex.startswith("/"):
        return ""
    script = (command or understood(started.argv, started.exe)).script
    match = _UNPACKED_PEX.match(script)
    if match:
        return match.group("folder")
    # A loose one runs where it lies. Any other process may have the variable from a pex that started it.
    loose = os.path.normpath(os.path.join(started.cwd, script)) if script else ""
    return loose if loose == os.path.normpath(pex) else ""


def entered(command, runs, arguments):
    """The command of an archive, once it is known which module or script in it is run."""
    return _command(command.flags, command.script, "", False, arguments, runs)


def understood(argv, exe=""):
    """The command line of a Python process. `exe` tells a title from a command."""
    if not argv:
        return _nothing_known(os.path.basename(exe) or "python")
    first = os.path.basename(argv[0])
    if _INTERPRETER.match(first):
        return _python(argv)
    if os.path.basename(exe).startswith("uwsgi") or first.startswith(("uwsgi", "uWSGI")):
        found = _command("", argv[0], "", False, argv[1:], "uwsgi")
        is_emperor = any(word.startswith("--emperor") for word in argv[1:])
        return found._replace(program="uwsgi-emperor", type="other") if is_emperor else found
    if first == os.path.basename(exe):
        return _command("", argv[0], "", False, argv[1:], argv[0])  # a frozen program
    return _title(" ".join(argv))


def calls_python(argv):
    """Whether a command line starts a Python interpreter."""
    return bool(argv) and _INTERPRETER.match(os.path.basename(argv[0])) is not None


def _nothing_known(program):
    return Command("", "", "", False, [], program, "other", "", "", True)


def _python(argv):
    flags, place = "", 1
    while place < len(argv):
        argument = argv[place]
        if argument in _WITH_VALUE:
            place += 2
        elif argument in ("-", "--") or not argument.startswith("-"):
            break
        elif argument.startswith(("--", "-W", "-X")):
            place += 1
        else:
            letters, stop, value = _until_c_or_m(argument[1:])
            flags, place = flags + letters, place + 1
            if stop:
                return _module_or_code(flags, stop, ([value] if value else []) + argv[place:])
    rest = argv[place:]
    script = rest[0] if rest and rest[0] not in ("-", "--") else ""
    return _command(flags, script, "", False, rest[1:], script)


def _until_c_or_m(letters):
    """`Ic` -> (I, c, ""): what stands behind these two is theirs."""
    for place, letter in enumerate(letters):
        if letter in "cm":
            return letters[:place], letter, letters[place + 1 :]
    return letters, "", ""


def _module_or_code(flags, which, rest):
    if which == "c":
        return _command(flags, "", "", True, rest[1:], "python")
    module = rest[0] if rest else ""
    return _command(flags, "", module, False, rest[1:], module)


def _command(flags, script, module, code, arguments, runs):
    name = _runner(runs)
    program, kind = RUNNERS.get(name, (name or "python", "other"))
    subcommand = _subcommand(program, arguments)
    kind = _type(program, subcommand, kind)
    target = _target(program, arguments)
    return Command(flags, script, module, code, arguments, program, kind, target, subcommand, False)


def _runner(runs):
    """`/srv/shop/venv/bin/gunicorn` -> gunicorn; `uvicorn.__main__` -> uvicorn; `manage.py` -> manage."""
    folder, name = os.path.split(runs)
    if name.endswith((".py", ".pyc")):
        name = name.rpartition(".")[0]
    if name == "__main__" and folder:
        name = os.path.basename(folder)
    first = name.partition(".")[0]
    return first if first in RUNNERS or name.endswith(".__main__") else name


def _subcommand(program, arguments):
    """The first word that is a subcommand of the program; Django has any number of them."""
    known = _BY_SUBCOMMAND.get(program, {})
    for argument in arguments:
        if argument in known or (program == "django" and not argument.startswith("-")):
            return argument
    return ""


def _type(program, subcommand, otherwise):
    return str(_BY_SUBCOMMAND.get(program, {}).get(subcommand, otherwise))


def _target(program, arguments):
    """The module that a server or worker was told to run; empty: it does not say."""
    for name, value in _options(arguments):
        if name in ("-A", "--app", "--application") and program in ("celery", "flask"):
            return value.partition(":")[0].replace("/", ".")
        if name == "--call":
            return value.partition(":")[0]
    for argument in arguments if program in _SERVE_A_TARGET else ():
        if _TARGET.match(argument):
            return argument.partition(":")[0]
    return _last_module(arguments) if program in _SERVE_A_MODULE else ""


def _options(arguments):
    """(option, value) of each option that has, or may have, a value."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--") and "=" in argument:
            name, _, value = argument.partition("=")
            yield name, value
        elif argument.startswith("-") and place + 1 < len(arguments):
            yield argument, arguments[place + 1]


def _last_module(arguments):
    """The last word, or the first (`gunicorn shop.wsgi -w 2`), where it is no option's value."""
    for place in (len(arguments) - 1, 0) if arguments else ():
        before = arguments[place - 1] if place else ""
        is_value = before.startswith("-") and "=" not in before and before not in _WITHOUT_VALUE
        if _MODULE.match(arguments[place]) and not is_value:
            return arguments[place]
    return ""


def _title(title):
    """A title that a process gave itself: `gunicorn: master [shop]`, `[celeryd: ...] (-A shop worker)`."""
    match = _TITLE.match(title.strip())
    if not match:
        return _nothing_known(os.path.basename(title.split(" ")[0].rstrip(":")) or "python")
    who, rest = match.group("who"), match.group("rest")
    program, kind = RUNNERS[who]
    options = _OPTIONS_IN_TITLE.search(rest)
    arguments = options.group(1).split() if options else rest.split()
    inner = _TITLE_OF_GUNICORN.search(rest) if program == "gunicorn" else None
    target = inner.group(1) if inner else _target(program, arguments)
    subcommand = _subcommand(program, arguments)
    kind = _type(program, subcommand, kind)
    return Command("", "", "", False, [], program, kind, target, subcommand, True)
