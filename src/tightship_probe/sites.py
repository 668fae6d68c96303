"""Sites: names that nginx and Apache answer to, and which process group gets their requests."""

import os
import re

from tightship_probe.conclusion import MOST_TOLD
from tightship_probe.escape import harmless
from tightship_probe.rights import loaded
from tightship_probe.tree import Limits, Unreadable

SERVERS = {"nginx": "nginx", "apache2": "apache", "httpd": "apache"}
"""Name of the program -> name of the web server in the report."""
MOST_SITES = 5000
_NGINX = ("/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf")
_APACHE = ("/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf")
_SECONDS = 3.0


def masters(processes):
    """The first processes of web servers: their children have the same configuration."""
    found = [process for process in processes.values() if process.comm in SERVERS]
    pids = {process.pid for process in found}
    return [process for process in found if process.parent not in pids]


def read(proc, some, tree_of):
    """{"sites": [...], "unread": [...]} of web servers. `tree_of(process, limits)` opens their files."""
    sites, unread = [], []
    for process in some[:20]:
        try:
            argv = proc.read("%d/cmdline" % process.pid, 32768)
            with tree_of(process, Limits(_SECONDS)) as tree:
                found, missing = _of_server(tree, SERVERS[process.comm], _words(argv))
        except Unreadable as why:
            found, missing = [], [{"what": "configuration of " + process.comm, "why": str(why)}]
        sites += [site for site in found if site not in sites]
        unread += missing
    told = [{"what": harmless(one["what"]), "why": harmless(one["why"])} for one in unread[:MOST_TOLD]]
    return {"sites": sites[:MOST_SITES], "unread": told}


def _words(argv):
    # nginx makes one title of it: "nginx: master process /usr/sbin/nginx -c /etc/nginx/nginx.conf".
    return [word for word in re.split("[\0 ]", os.fsdecode(argv)) if word]


def _of_server(tree, kind, words):
    if kind == "nginx":
        nginxconf = loaded("tightship_probe.nginxconf")
        path = _given(words, "-c") or _first(tree, _NGINX)
        path = os.path.join(_given(words, "-p") or "/etc/nginx", path)
        directives, unread = nginxconf.read(tree, path)
        servers = nginxconf.servers(directives)
    else:
        configuration = apache(tree, words)
        servers = loaded("tightship_probe.apacheconf").servers(configuration)
        unread = configuration.files.unread
    return _sites(servers, kind, unread), unread


def apache(tree, words):
    """Apache's configuration, by the words of its command line. Raises `Unreadable`."""
    apacheconf = loaded("tightship_probe.apacheconf")
    root = _given(words, "-d")
    path = os.path.join(root, _given(words, "-f") or _first(tree, _APACHE))
    defined = [word for place, word in enumerate(words) if place and words[place - 1] == "-D"]
    defined += [word[2:] for word in words if word.startswith("-D") and len(word) > 2]
    return apacheconf.Configuration(tree, path, root or _root_of(path), defined)


def _root_of(path):
    folder = os.path.dirname(path)
    return os.path.dirname(folder) if os.path.basename(folder) == "conf" else folder


def _given(words, option):
    for place, word in enumerate(words[:-1]):
        if word == option:
            return words[place + 1]
    return ""


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
                "to": harmless(target, 500),
                "server": kind,
                "where": harmless(server.where),
            }
            if site not in found:
                found.append(site)
    return found


def with_groups(sites, told):
    """The sites, each with the key of the process group that listens where it hands its requests."""
    by_path, by_port = {}, {}
    for group in told:
        for target in group.get("wsgi", ()):
            by_path.setdefault("wsgi:" + target, group["key"])
        for listener in group["listeners"]:
            if listener["protocol"] == "unix":
                by_path.setdefault(listener["path"], group["key"])
            else:
                # One in a network namespace of its own does not listen on this server's addresses.
                here = listener["how"] != "namespace"
                known = (listener["address"], here, group["key"])
                by_port.setdefault(listener["port"], []).append(known)
    found = [dict(site, group=_group_at(site["to"], by_path, by_port)) for site in sites]
    return sorted(found, key=lambda site: (site["where"], site["names"], site["to"]))


_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - read, not bound
_HERE = ("localhost", "127.0.0.1", "::1", *_EVERYWHERE)


def _group_at(to, by_path, by_port):
    """Key of the group that listens at a path or at ADDRESS:PORT of this server; "" where none does."""
    if to.startswith(("/", "wsgi:")):
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
