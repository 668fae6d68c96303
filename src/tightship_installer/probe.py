"""Puts the probe in place as a program of root's: one file, which nobody else can change. Stands alone.

Runs as root, piped into the server's Python with the order (a JSON object) below it; prints one JSON
object. Doing the same twice changes nothing.
"""

import json
import os
import pwd
import re
import stat
import sys

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Cannot(Exception):
    """It can't be done here; says why, and what to do."""


def main(order):
    """Do what `order` says. Exits with 0, or with 1 and a sentence."""
    try:
        if os.geteuid() != 0:
            raise Cannot("root's rights are needed to put the probe in place: log in as root, or say --sudo")
        told = place(order["path"], order["source"], _python())
    except Cannot as error:
        sys.exit("tightship: %s" % error)
    except OSError as error:
        sys.exit(
            "tightship: %s: %s" % (error.filename or order["path"], (error.strerror or str(error)).lower())
        )
    sys.stdout.write(json.dumps(dict(told, user=_user())) + "\n")


def place(path, source, python):
    """{changed}: the file is there as it is to be, or nothing was changed."""
    folder, name = os.path.split(path)
    above = os.path.dirname(folder)
    _must_be_roots(above)
    if not os.path.lexists(folder):
        os.umask(0o022)
        os.mkdir(folder, 0o755)
    _must_be_roots(folder)
    content = ("#!%s -IS\n%s" % (python, source)).encode("ascii")
    # Below a folder that only root can write, nobody changes anything between a look and a deed.
    if _is_so(path, content):
        return {"changed": False}
    new = os.path.join(folder, ".new-" + name)
    if os.path.lexists(new):
        os.unlink(new)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        os.fchown(fd, 0, 0)
        os.fchmod(fd, 0o755)
        file.flush()
        os.fsync(fd)
    os.rename(new, path)
    return {"changed": True}


def _is_so(path, content):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        right = (status.st_uid, status.st_gid, status.st_mode) == (0, 0, stat.S_IFREG | 0o755)
        return right and file.read() == content


def _must_be_roots(folder):
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise Cannot(
            "%s is no folder (a link, perhaps): root's programs are to lie in one of root's" % folder
        )
    if status.st_uid != 0 or status.st_mode & _OTHERS:
        raise Cannot(
            "%s can be written by others than root, who could then run what they like as root: "
            "chown root %s; chmod go-w %s" % (folder, folder, folder)
        )


def _python():
    """The one that runs this, by a path that outlives its updates where there is one. Root's own, or none."""
    usual = "/usr/bin/python3"
    same = os.path.exists(usual) and os.path.samefile(usual, sys.executable)
    python = usual if same else sys.executable
    status = os.stat(python)
    if status.st_uid != 0 or status.st_mode & _OTHERS:
        raise Cannot("%s can be written by others than root, and is not to run as root" % python)
    return python


def _user():
    """Who became root by sudo; empty: root logged in."""
    name = os.environ.get("SUDO_USER", "")
    if name == "root" or not re.match(r"[A-Za-z_][A-Za-z0-9_.-]*\Z", name):
        return ""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return ""
    return name
