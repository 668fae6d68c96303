"""An extension for zc.buildout: after a successful run it says what was built.

`load` is called before the parts are built, `unload` by zc.buildout itself as the last thing of an `install`
that went well: whatever fails before, it is never called. Standard library and zc.buildout only.
"""

import json
import logging
import os
import re
import socket
import sys
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener, url2pathname

import zc.buildout
from zc.buildout import buildout as zc_buildout
from zc.buildout import easy_install

logger = logging.getLogger("tightship")

SCHEMA = "tightship.build/1"
SECONDS = 10
"""How long a build waits for the service. It asks once."""

_used = {}
"""name -> version, of what the parts are made of"""
_tools = {}
"""the same of recipes and extensions: what builds, and does not run"""
_built = set()
"""the parts that this run installed or updated"""
_loading = []
_originals = {}


def load(buildout):
    """Begin to note what is installed. Called by zc.buildout."""
    if "tightship" in _originals:
        return
    _originals["tightship"] = True
    if hasattr(easy_install, "store_required_by"):
        easy_install.store_required_by(True)
    for name in ("install", "working_set"):
        _wrap(easy_install, name, _note)
    _wrap(zc_buildout, "_install_and_load", None)
    _wrap(zc_buildout.Buildout, "_maybe_upgrade", None)
    _note_parts(zc_buildout.Options)


def _wrap(module, name, note):
    original = getattr(module, name, None)
    if original is None:
        return

    def wrapped(*args, **options):
        if note is not None:
            found = original(*args, **options)
            note(found)
            return found
        _loading.append(True)
        try:
            return original(*args, **options)
        finally:
            _loading.pop()

    setattr(module, name, wrapped)


def _note_parts(options):
    """Whatever a part does, install or update, is called through its options."""
    name = "_call"
    original = getattr(options, name, None)
    if original is None:
        _originals["parts"] = None  # a release that is not known: all of them, as far as anybody can tell
        return

    def called(part, method):
        _built.add(part.name)
        return original(part, method)

    setattr(options, name, called)


def _left_out(options):
    """Parts that this run was not asked for: `bin/buildout install web`."""
    if "parts" in _originals:
        return []
    return sorted(set(options.get("parts", "").split()) - _built)


def _note(working_set):
    into = _tools if _loading else _used
    try:
        into.update((dist.project_name, dist.version) for dist in working_set)
    except Exception as error:  # what another release gives back must not fail a build
        logger.debug("tightship: a working set could not be read: %s", error)


def unload(buildout):
    """Say what was built. Called by zc.buildout when all went well."""
    options = buildout["buildout"]
    try:
        said = told(buildout)
        where = options.get("tightship-url", "").strip()
        left_out = _left_out(options)
        if left_out:
            # The packages of some parts must not take the place of those of all.
            logger.info("tightship: nothing was sent: this run left out %s.", ", ".join(left_out))
        elif not said["packages"]:
            logger.info("tightship: no part has packages: there is nothing to say.")
        elif not where:
            logger.info(
                "tightship: %s packages, %s of them picked. No tightship-url is set: nothing was sent.",
                len(said["packages"]),
                len(said["picked"]),
            )
        else:
            _hand_over(where, said, options)
    except Exception as error:
        if _is_true(options.get("tightship-required", "")):
            raise zc.buildout.UserError("tightship: what was built could not be told: %s" % error)
        logger.warning("tightship: what was built could not be told: %s", error)


def told(buildout):
    """What was built, as JSON to be."""
    options = buildout["buildout"]
    directory = options["directory"]
    pins = _pins(buildout, options.get("versions", "").strip())
    picked, required = {}, {}
    if hasattr(easy_install, "get_picked_versions"):
        picked, required = easy_install.get_picked_versions()
    names = {_canonical(name) for name in _used}
    return {
        "schema": SCHEMA,
        "buildoutname": _name(options, directory),
        "hostname": socket.gethostname(),
        "directory": directory,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "packages": dict(sorted(_used.items())),
        "picked": sorted(name for name in dict(picked) if _canonical(name) in names),
        "pins": pins,
        "required_by": _by_name(required),
        "cascade": _cascade(buildout, directory),
        "tools": _builders(),
    }


def _by_name(required):
    """name -> who requires it, of what zc.buildout keeps for each requirement: `jinja2>=3` and `jinja2`."""
    found = {}
    for requirement, by in required.items():
        name = re.match(r"[A-Za-z0-9._-]*", requirement).group()
        found.setdefault(name, set()).update(by)
    return {name: sorted(by) for name, by in sorted(found.items())}


def _name(options, directory):
    said = options.get("tightship-name", "").strip() or options.get("buildoutname", "").strip()
    return said or os.path.basename(directory.rstrip("/"))


def _builders():
    found = {
        name: version for name, version in _tools.items() if _canonical(name) not in map(_canonical, _used)
    }
    for module in ("zc.buildout", "setuptools", "pip", "wheel"):
        version = _version_of(module)
        if version:
            found[module] = version
    return dict(sorted(found.items()))


def _version_of(name):
    # zc.buildout brings it along where setuptools no longer does, and it reads zipped eggs as well.
    import pkg_resources

    try:
        return pkg_resources.get_distribution(name).version
    except Exception:
        return ""


# Pins, and the files that they stand in


def _pins(buildout, section):
    """name -> version, file and what it overrides, by what zc.buildout itself annotates."""
    annotated = getattr(buildout, "_annotated", {}).get(section, {}) if section else {}
    directory = buildout["buildout"]["directory"]
    used = {_canonical(name): version for name, version in _used.items()}
    found = {}
    for written in buildout.get(section, {}) if section else ():
        name, version = _canonical(written), buildout[section][written].strip()
        if not version or re.search(r"[<>=!~,*\s]", version):
            continue
        # Spelled in two ways a package has two pins, and only one of them counts.
        if name in found and used.get(name) != version:
            continue
        places = _places(annotated.get(written), directory)
        found[name] = {"version": version, "file": places[-1][1] if places else ""}
        before = [{"version": value, "file": file} for value, file in places[:-1]]
        if before:
            found[name]["overrides"] = before[::-1]
    return found


def _places(known, directory):
    """(version, file), the one that counts last."""
    if known is None:
        return []
    history = getattr(known, "history", None)
    if history is not None:
        return [
            (str(one.value).strip(), _shown(one.source, directory))
            for one in history
            if one.value is not None
        ]
    value, source = known[:2]  # before SectionKey there was a pair
    return [(str(value).strip(), _shown(source, directory))]


def _shown(file, directory):
    file = str(file)
    if "://" in file:
        # A password in an address is nobody else's.
        return re.sub(r"(?<=://)[^/?#]*@", "", file)
    whole = os.path.join(directory, file)
    return os.path.relpath(whole, directory) if whole.startswith(directory.rstrip("/") + "/") else file


def _cascade(buildout, directory):
    """Each configuration file of this run, and what it extends, from buildout.cfg on."""
    first = getattr(buildout, "_config_file", "") or os.path.join(directory, "buildout.cfg")
    waiting, found, seen = [first], [], set()
    while waiting and len(found) < 500:
        file = waiting.pop(0)
        if file in seen:
            continue
        seen.add(file)
        extends = _extends(file)
        found.append(
            {"file": _shown(file, directory), "extends": [_shown(one, directory) for one in extends]}
        )
        waiting += extends
    return found


def _extends(file):
    """Addresses are named, and not fetched once more."""
    if "://" in file:
        return []
    try:
        with open(file, errors="replace") as opened:
            text = opened.read()
    except OSError:
        return []
    section = _SECTION.search(text)
    said = _EXTENDS.search(section.group(1)) if section else None
    if not said:
        return []
    lines = [re.split("[#;]", line)[0] for line in said.group(1).splitlines()]
    return [_beside(file, name) for line in lines for name in line.split()]


_SECTION = re.compile(r"^\[buildout\][^\n]*\n(.*?)(?=^\[|\Z)", re.M | re.S)
_EXTENDS = re.compile(r"^extends\s*=(.*(?:\n[ \t]+\S.*|\n[ \t]*[#;].*|\n[ \t]*$)*)", re.M)


def _beside(file, name):
    return name if "://" in name else os.path.normpath(os.path.join(os.path.dirname(file), name))


# Handing it over


def _hand_over(where, said, options):
    parts = urlsplit(where)
    if parts.scheme == "file":
        path = url2pathname(parts.path)
        with open(path + ".new", "w") as new:
            json.dump(said, new, indent=1, sort_keys=True)
        os.replace(path + ".new", path)
        logger.info("tightship: written to %s", path)
    elif parts.scheme not in ("http", "https"):
        raise ValueError("tightship-url: expected https://, http:// or file:///, got %r" % where)
    elif options.get("offline") == "true":
        if _is_true(options.get("tightship-required", "")):
            raise ValueError("the buildout is offline")
        logger.info("tightship: nothing was sent: the buildout is offline.")
    else:
        _post(where.rstrip("/") + "/buildouts/add", said, _token(options))
        logger.info("tightship: told %s", parts.hostname)


class _Stay(HTTPRedirectHandler):
    """A token is for the address that it was given for."""

    def redirect_request(self, *args, **options):
        return None


def _post(url, said, token):
    headers = {"Content-Type": "application/json", "User-Agent": "tightship-buildout"}
    if token:
        headers["Authorization"] = "Bearer " + token
    request = Request(url, json.dumps(said).encode(), headers)
    try:
        with build_opener(_Stay()).open(request, timeout=SECONDS):
            pass
    except HTTPError as error:
        raise ValueError("%s answers %s: %s" % (urlsplit(url).hostname, error.code, _reason(error)))


def _reason(error):
    try:
        return str(json.loads(error.read(10000).decode())["detail"])
    except Exception:
        return error.reason


def _token(options):
    token = os.environ.get("TIGHTSHIP_TOKEN", "").strip()
    file = options.get("tightship-token-file", "").strip()
    if token or not file:
        return token
    with open(os.path.join(options["directory"], os.path.expanduser(file))) as opened:
        return opened.read().strip()


def _is_true(text):
    return text.strip().lower() in ("true", "1", "yes", "on")


def _canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()
