"""The agent's settings: one file of root's, readable by all, with no secret in it.

    [agent]
    url = https://tightship.example.com

Everything else has a default. The token stands in a file of its own, that the sender alone may read.
"""

import configparser
import difflib
import ipaddress
import os
import re
import stat
from collections import namedtuple
from urllib.parse import urlsplit

from tightship_agent.words import reason

FILE = "/etc/tightship-agent/agent.conf"
SECTION = "agent"

Settings = namedtuple(
    "Settings", "url token ca proxy insecure_http spool memory reports megabytes probe address"
)
"""`address`: scheme, host, port and path of `url`; `proxy`: host and port, or None."""

Address = namedtuple("Address", "scheme host port path")

DEFAULTS = {
    "url": "",
    "token": "/etc/tightship-agent/token",
    "ca": "",
    "proxy": "",
    "insecure_http": "no",
    "spool": "/var/spool/tightship-agent",
    "memory": "/var/lib/tightship-agent",
    "reports": "336",
    "megabytes": "32",
    "probe": "",
}

_TOKEN = re.compile(r"[!-~]{8,500}\Z")
_HOST = re.compile(r"[A-Za-z0-9._:-]+\Z")
_MOST_BYTES = 65536


class BadSetting(Exception):
    """A setting that can't be used: says which, and what was expected."""


def load(path):
    """The settings in the file `path`. Raises `BadSetting`."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_MOST_BYTES)
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is no text"
        raise BadSetting("%s can't be read: %s" % (path, why)) from None
    try:
        return parsed(text)
    except BadSetting as error:
        raise BadSetting("%s: %s" % (path, error)) from None


def parsed(text):
    """The settings in a text. Pure. Raises `BadSetting`."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise BadSetting(str(error).replace("\n", " ").replace("<string>", "the file")) from None
    if parser.sections() != [SECTION] or parser.defaults():
        raise BadSetting("expected one section, [%s]" % SECTION)
    given = dict(parser[SECTION])
    for name in given:
        if name not in DEFAULTS:
            near = difflib.get_close_matches(name, DEFAULTS, 1)
            raise BadSetting("there is no setting %s%s" % (name, "; is it %s?" % near[0] if near else ""))
    return _checked(dict(DEFAULTS, **given))


def token(path):
    """The token in the file `path`. Raises `BadSetting`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadSetting("the token %s can't be read: %s" % (path, reason(error))) from None
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise BadSetting("the token %s is no file" % path)
        if status.st_mode & stat.S_IRWXO:
            raise BadSetting(
                "every user may read the token %s: chmod o= %s, and make a new one" % (path, path)
            )
        found = file.read(1000).decode("latin-1").strip()
    if not _TOKEN.match(found):
        raise BadSetting("the token %s holds none: expected one line that begins with tightship_" % path)
    return found


def is_loopback(host):
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(said):
    said["insecure_http"] = _yes(said["insecure_http"])
    for name in ("reports", "megabytes"):
        said[name] = _number(name, said[name])
    for name in ("token", "ca", "spool", "memory", "probe"):
        if said[name] and not os.path.isabs(said[name]):
            raise BadSetting("%s: expected a path from the root, got %r" % (name, said[name]))
    address = _address("url", said["url"], "https://tightship.example.com")
    if address.scheme == "http" and not is_loopback(address.host) and not said["insecure_http"]:
        raise BadSetting(
            "url: http:// is not encrypted, everybody on the way could read the token. Use https://, or, "
            "where the network is trusted, say insecure_http = yes"
        )
    said["proxy"] = _proxy(said["proxy"], address)
    return Settings(address=address, **said)


def _proxy(text, address):
    if not text:
        return None
    proxy = _address("proxy", text, "http://proxy.example.com:3128")
    if proxy.scheme != "http" or proxy.path:
        raise BadSetting("proxy: expected http://HOST:PORT, got %r" % text)
    if address.scheme != "https":
        raise BadSetting("proxy: a proxy is only for an https:// url, which it can't read")
    return proxy


def _address(name, text, example):
    wanted = "%s: expected an address as %s, got %r" % (name, example, text)
    try:
        split = urlsplit(text)
        scheme, host, port = split.scheme, split.hostname or "", split.port
    except ValueError:
        raise BadSetting(wanted) from None
    if scheme not in ("http", "https") or not _HOST.match(host) or not _PATH.match(split.path):
        raise BadSetting(wanted)
    if split.query or split.fragment or "@" in split.netloc:
        raise BadSetting(wanted + ": without user, password, ? or #")
    return Address(scheme, host, port or (443 if scheme == "https" else 80), split.path.rstrip("/"))


_PATH = re.compile(r"[A-Za-z0-9._~/%-]*\Z")


def _yes(text):
    if text.lower() not in ("yes", "no"):
        raise BadSetting("insecure_http: expected yes or no, got %r" % text)
    return text.lower() == "yes"


def _number(name, text):
    if not re.match(r"[1-9]\d{0,5}\Z", text, re.ASCII):
        raise BadSetting("%s: expected a number from 1, got %r" % (name, text))
    return int(text)
