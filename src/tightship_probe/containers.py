"""Names of containers: a control group tells an id, which lasts no longer than the container.

Docker writes the name into a file of its own, podman into the command line of the process that watches the
container. No engine is asked.
"""

import json
import os
import re

from tightship_probe.cgroups import SHORT_ID
from tightship_probe.tree import Unreadable

_DOCKER = "/var/lib/docker/containers"
_NAME = re.compile(r"/?([A-Za-z0-9][\w.-]{0,199})\Z")
_MOST = 4 * 1024 * 1024


def names(tree, proc, watched):
    """{short id: name}. `watched`: short id -> pids of what is called conmon above its processes."""
    found = _of_docker(tree, [one for one in watched if not watched[one]])
    for one, pids in sorted(watched.items()):
        for pid in sorted(pids)[:1]:
            found.update({known: name for known, name in _of_conmon(proc, pid).items() if known == one})
    return found


def _of_conmon(proc, pid):
    """`conmon -c ID ... -n NAME`. Only what started a container may say what it is called."""
    try:
        words = os.fsdecode(proc.read("%d/cmdline" % pid, 65536)).split("\0")
    except Unreadable:
        return {}
    said = dict(zip(words, words[1:]))
    name = _NAME.match(said.get("-n", ""))
    return {said["-c"][:SHORT_ID]: name.group(1)} if name and "-c" in said else {}


def _of_docker(tree, wanted):
    if not wanted:
        return {}
    try:
        with tree.directory(_DOCKER) as directory:
            folders = directory.names()
    except Unreadable:
        return {}
    found = {}
    for folder in folders:
        if folder[:SHORT_ID] not in wanted:
            continue
        try:
            said = json.loads(tree.read("%s/%s/config.v2.json" % (_DOCKER, folder), _MOST).decode("utf-8"))
            name = _NAME.match(str(said["Name"]))
        except (Unreadable, ValueError, KeyError, TypeError, RecursionError):
            continue
        if name:
            found[folder[:SHORT_ID]] = name.group(1)
    return found
