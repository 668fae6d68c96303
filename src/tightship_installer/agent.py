"""Puts the agent in place on a server, takes it away, or tells how it does there. Stands alone.

Runs as root, piped into the server's Python with what to do (a JSON object) below it; prints one JSON
object. Doing the same twice changes nothing. What the object says is written by `tightship agent`.
"""

import base64
import grp
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys

_MOST_TOKEN = 1000
_SECONDS = 100


class Cannot(Exception):
    """It can't be done here; says why, and what to do."""


def main(order):
    """Do what `order` says. Exits with 0, or with 1 and a sentence."""
    try:
        if os.geteuid() != 0:
            raise Cannot("root's rights are needed to set up the agent: log in as root, or say --sudo")
        if not os.path.isdir("/run/systemd/system"):
            raise Cannot("no systemd runs here: see docs/how-to/agent.md for cron")
        done = {"place": place, "remove": remove, "tell": tell}[order["do"]](order)
    except Cannot as error:
        sys.exit("tightship: %s" % error)
    except OSError as error:
        sys.exit(
            "tightship: %s: %s" % (error.filename or "the server", (error.strerror or str(error)).lower())
        )
    sys.stdout.write(json.dumps(done) + "\n")


def place(order):
    """{changed: what, ...}: folders, files, user and timer as they are to be; then run once."""
    changed = _user(order["user"])
    for folder in order["folders"]:
        changed += _folder(folder["path"], folder["mode"], folder["group"])
    for file in order["files"]:
        content = base64.b64decode(file["content"])
        if file["path"].endswith(".service"):
            content = content.replace(b"/usr/bin/python3", _python().encode())
        changed += _file(file["path"], file["mode"], file["group"], content)
    if any(path.startswith(order["units"] + "/") for path in changed):
        _systemctl("daemon-reload")
    if _said("systemctl", "is-active", order["timer"]) != "active":
        changed.append(order["timer"])
    _systemctl("enable", "--quiet", "--now", order["timer"])
    started = subprocess.call(["systemctl", "start", order["service"]], stderr=subprocess.DEVNULL)
    return dict(tell(order), changed=changed, ran=started == 0)


def remove(order):
    """{changed: what}: nothing of it is left."""
    token = _digest_of_token(order["token"])
    changed = []
    if os.path.exists(os.path.join(order["units"], order["timer"])):
        _systemctl("disable", "--quiet", "--now", order["timer"])
        subprocess.call(["systemctl", "stop", order["service"], order["probe"]], stderr=subprocess.DEVNULL)
    for path in order["paths"]:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)  # follows no link
        elif os.path.lexists(path):
            os.unlink(path)
        else:
            continue
        changed.append(path)
    if changed:
        _systemctl("daemon-reload")
    if _exists(order["user"]):
        _do("userdel", order["user"])
        changed.append("user " + order["user"])
    return {"changed": changed, "token": token}


def tell(order):
    """{installed, token: its digest, timer, probe, sender: by systemd, status: by the agent}."""
    agent = order["agent"]
    if not os.path.exists(agent):
        return {"installed": False, "token": _digest_of_token(order["token"])}
    told = subprocess.run(
        [_python(), "-I", "-S", agent, "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=_SECONDS,
        check=False,
        cwd="/",
    )
    return {
        "installed": True,
        "token": _digest_of_token(order["token"]),
        "timer": _said("systemctl", "is-active", order["timer"]),
        "probe": _result(order["probe"]),
        "sender": _result(order["service"]),
        "status": json.loads(told.stdout.decode("ascii")) if told.returncode == 0 else None,
        "why": told.stderr.decode("utf-8", "backslashreplace").strip(),
    }


def _user(name):
    if _exists(name):
        return []
    shells = ("/usr/sbin/nologin", "/sbin/nologin")
    shell = next((path for path in shells if os.path.exists(path)), "/bin/false")
    _do(
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        shell,
        name,
    )
    return ["user " + name]


def _exists(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _folder(path, mode, group):
    changed = []
    above = os.path.dirname(path)
    _only_roots(above, os.stat(above))
    if not os.path.lexists(path):
        os.mkdir(path, 0o700)
        changed = [path]
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return _owned(fd, path, mode, group) or changed
    finally:
        os.close(fd)


def _file(path, mode, group, content):
    """Written whole or not at all; not touched where it is so already."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        pass
    else:
        with os.fdopen(fd, "rb") as file:
            if stat.S_ISREG(os.fstat(fd).st_mode) and file.read() == content:
                return _owned(fd, path, mode, group)
    new = path + ".new"
    if os.path.lexists(new):
        os.unlink(new)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        _owned(fd, new, mode, group)
        os.fsync(fd)
    os.rename(new, path)
    return [path]


def _owned(fd, path, mode, group):
    """Root's and the group's, with this mode; [path] where it was not."""
    number = grp.getgrnam(group).gr_gid if group else 0
    status = os.fstat(fd)
    if (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, number, mode):
        return []
    os.fchown(fd, 0, number)
    os.fchmod(fd, mode)
    return [path]


def _python():
    """The one that runs this, by a path that outlives its updates where there is one. Root's own, or none."""
    usual = "/usr/bin/python3"
    same = os.path.exists(usual) and os.path.samefile(usual, sys.executable)
    python = usual if same else sys.executable
    _only_roots(python, os.stat(python))
    return python


def _only_roots(path, status):
    if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Cannot(
            "%s can be written by others than root, who could then run what they like as root: "
            "chown root %s; chmod go-w %s" % (path, path, path)
        )


def _digest_of_token(path):
    """Tells a token from others, and is of no use to anybody: it can't be turned back."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read(_MOST_TOKEN).strip()).hexdigest()
    except OSError:
        return ""


def _result(unit):
    return _said("systemctl", "show", "--property=Result", unit).partition("=")[2]


def _said(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode("utf-8", "backslashreplace").strip()


def _systemctl(*arguments):
    _do("systemctl", *arguments)


def _do(*command):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")[-1]
        raise Cannot("%s ended with %d: %s" % (" ".join(command), done.returncode, said))
