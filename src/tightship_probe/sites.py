"""Sites: names that nginx and Apache answer to, and which process group gets their requests."""

import os
import re

from tightship_probe import processes
from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.escape import harmless
from tightship_probe.rights import loaded
from tightship_probe.tree import Limits, Unreadable

SERVERS = {"nginx": "nginx", "apache2": "apache", "httpd": "apache"}
"""Name of the program -> name of the web server in the report."""
MOST_SITES = 5000
LONGEST_TARGET = 500
_MOST_SERVERS = 20
_NGINX = ("/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf")
_ROOTS = ("/etc/apache2", "/etc/httpd")
"""Where the operating system's Apache has its configuration."""
_APACHE = ("apache2.conf", "conf/httpd.conf")
"""Below the root of an Apache."""
_SECONDS = 3.0


def masters(some):
    """The first processes of web servers, root's first: their children have the same configuration."""
    found = [process for process in some.values() if _is_server(process)]
    pids = {process.pid for process in found}
    return sorted(
        (process for process in found if process.parent not in pids),
        key=lambda process: (process.uid != 0, process.pid),
    )


def _is_server(process):
    """By its name; Apache also by its program, where that is ours to see: any process can take a name."""
    kind = SERVERS.get(process.comm, "")
    return kind != "" and (kind != "apache" or not process.seen or processes.is_apache(process.exe))


def is_of_system(process):
    """Whether an Apache that was told no configuration has the system's: root's, or a container's own.

    Any user may start the system's program, or one of that name, as something else.
    """
    return process.uid == 0 or bool(process.place.container)


def read(proc, some, tree_of):
    """{"sites": [...], "unread": [...]} of web servers. `tree_of(process, limits)` opens their files."""
    sites, unread = [], []
    for process in some[:_MOST_SERVERS]:
        try:
            argv = proc.read("%d/cmdline" % process.pid, 32768)
            with tree_of(process, Limits(_SECONDS)) as tree:
                found, missing = _of_server(tree, process, os.fsdecode(argv))
        except Unreadable as why:
            found, missing = [], [{"what": "configuration of " + process.comm, "why": str(why)}]
        sites += found
        unread += missing
    told = [{"what": harmless(one["what"]), "why": harmless(one["why"])} for one in unread[:MOST_TOLD]]
    return {"sites": sites[:MOST_SITES], "unread": told}


def _of_server(tree, process, argv):
    kind = SERVERS[process.comm]
    if kind == "nginx":
        # It makes one title of it: "nginx: master process /usr/sbin/nginx -c /etc/nginx/nginx.conf".
        words = [word for word in re.split("[\0 ]", argv) if word]
        nginxconf = loaded("tightship_probe.nginxconf")
        path = _given(words, "-c") or _first(tree, _NGINX)
        path = os.path.join(_given(words, "-p") or "/etc/nginx", path)
        directives, unread = nginxconf.read(tree, path)
        servers = nginxconf.servers(directives)
    else:
        exe = processes.without_deleted(process.exe)
        configuration = apache(tree, argv.split("\0")[1:], exe, is_of_system(process))
        servers = loaded("tightship_probe.apacheconf").servers(configuration)
        unread = configuration.files.unread
    return [dict(site, pid=process.pid) for site in _sites(servers, kind, unread)], unread


def apache(tree, words, exe, of_system):
    """Apache's configuration, by the words behind its program. Raises `Unreadable`.

    `exe`: its program; empty: not known. `of_system`: as of `is_of_system`.
    """
    apacheconf = loaded("tightship_probe.apacheconf")
    root, path = _given(words, "-d"), _given(words, "-f")
    if not path.startswith("/"):
        roots = [root] if root else _roots(exe, of_system)
        names = [path] if path else _APACHE
        path = _first(tree, [os.path.join(one, name) for one in roots for name in names])
    if not path.startswith("/"):
        raise Unreadable("told by a relative path")
    defined = [word for place, word in enumerate(words) if place and words[place - 1] == "-D"]
    defined += [word[2:] for word in words if word.startswith("-D") and len(word) > 2]
    return apacheconf.Configuration(tree, path, root or _root_of(path), defined)


def _roots(exe, of_system):
    """Where an Apache may have its configuration that was not told where it is."""
    if processes.is_strange(exe):
        return [os.path.dirname(os.path.dirname(exe))]  # /usr/local/apache2/bin/httpd
    if not of_system:
        raise Unreadable("an ordinary user's Apache, started without -f")
    return _ROOTS


def _root_of(path):
    folder = os.path.dirname(path)
    return os.path.dirname(folder) if os.path.basename(folder) == "conf" else folder


def _given(words, option):
    """What an option was given last, as `-f FILE` or `-fFILE`."""
    found = ""
    for place, word in enumerate(words):
        if word == option and place + 1 < len(words):
            found = words[place + 1]
        elif word.startswith(option):
            found = word[len(option) :] or found
    return found


def _first(tree, paths):
    return next((path for path in paths if tree.exists(path)), paths[0])


def _sites(servers, kind, unread):
    """One for each target of a server, so that each tells who answers."""
    found = []
    for server in servers:
        for target in server.unread:
            unread.append(
                {"what": server.where, "why": "where %s leads is decided for each request" % target}
            )
        for target in server.targets or [""]:
            site = {
                "names": [harmless(name, 253) for name in server.names[:500]],
                "ports": server.ports,
                "to": harmless(target, LONGEST_TARGET),
                "server": kind,
                "where": harmless(server.where),
            }
            if site not in found:
                found.append(site)
    return found


_ORDER = ("where", "names", "to", "group", "ports", "server")


def with_groups(sites, told):
    """The sites, each with the key of the process group that listens where it hands its requests."""
    by_path, by_port = {}, {}
    for group in told:
        for target in group.get("wsgi", ()):
            by_path.setdefault(target, group["key"])
        for listener in group["listeners"]:
            if listener["protocol"] == "unix":
                by_path.setdefault(listener["path"], group["key"])
            else:
                # One in a network namespace of its own does not listen on this server's addresses.
                here = listener["how"] != "namespace"
                known = (listener["address"], here, group["key"])
                by_port.setdefault(listener["port"], []).append(known)
    found = {}
    for site in sites:
        # Every Apache may have daemons of that name.
        to = (site["pid"], site["to"]) if site["to"].startswith("wsgi:") else site["to"]
        one = dict(site, group=_group_at(to, by_path, by_port))
        one.pop("pid", None)
        found[tuple(str(one[part]) for part in _ORDER)] = one
    return [found[key] for key in sorted(found)]


_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - read, not bound
_HERE = ("localhost", "127.0.0.1", "::1", *_EVERYWHERE)


def _group_at(to, by_path, by_port):
    """Key of the group that listens at a path or at ADDRESS:PORT of this server; "" where none does."""
    if isinstance(to, tuple) or to.startswith("/"):
        return by_path.get(to, "")
    host, _, port = to.rpartition(":")
    host = host.strip("[]")
    is_address = re.match(r"[0-9a-f.:]+\Z", host) is not None
    for address, here, key in by_port.get(int(port), ()) if port.isdigit() else ():
        # Another name may be another server's.
        if host in _HERE:
            found = here and (host == address or address in _HERE)
        else:
            found = host == address or (is_address and address in _EVERYWHERE)
        if found:
            return key
    return ""
