"""Reads a git checkout's files: which commit is checked out, and which tags it has.

No git is run: in a repository that belongs to somebody else, git runs what its configuration says.
"""

import os
import re
import stat

from tightship_probe import gitobjects
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Missing, Unreadable

MOST_REFS = 20000
MOST_PACKED = 16 * 1024 * 1024
MOST_PEELED = 500
"""Tags of which the object is read, because packed-refs does not say what they name."""
_SMALL = 4096
_SYMBOLIC = 5
_DEEP = 8
_ID = Pattern(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class Checkout(object):
    """A working tree and its repository. `top`, `git` and `common` are directories, as the tree has them."""

    def __init__(self, tree, top, git, common):
        self.tree = tree
        self.top = top
        self.git = git
        """what belongs to this working tree alone: HEAD, index"""
        self.common = common
        """what all working trees of a repository share: refs, objects, config"""
        self.objects = gitobjects.Objects(tree, common + "/objects")


def checkout_of(tree, path):
    """The `Checkout` that holds `path`, or None. Raises `Unreadable` for one that can't be read."""
    place = path.rstrip("/")
    while place:
        found = checkout_at(tree, place)
        if found:
            return found
        place = os.path.dirname(place).rstrip("/")
    return None


def checkout_at(tree, place):
    """The `Checkout` of which `place` is the top, or None."""
    git = place + "/.git"
    try:
        if stat.S_ISREG(tree.status(git).st_mode):  # a worktree's, or a submodule's
            git = _pointed(tree, git)
        tree.status(git + "/HEAD")
    except Missing:
        return None
    return Checkout(tree, place, git, _common(tree, git))


def _pointed(tree, path):
    text = os.fsdecode(tree.read(path, _SMALL)).strip()
    if not text.startswith("gitdir:"):
        raise Unreadable("a file .git that names no directory")
    return os.path.normpath(os.path.join(os.path.dirname(path), text[len("gitdir:") :].strip()))


def _common(tree, git):
    """A worktree keeps HEAD and index itself, the refs are in the repository that it belongs to."""
    try:
        text = os.fsdecode(tree.read(git + "/commondir", _SMALL)).strip()
    except Missing:
        return git
    return os.path.normpath(os.path.join(git, text))


def head(checkout):
    """The commit that is checked out. Raises `Unreadable` when it can't be told."""
    value = _ref_file(checkout, checkout.git, "HEAD")
    # Git leaves a HEAD for older programs that names nothing; the true one is in the reftable.
    if value == "ref: refs/heads/.invalid" or checkout.tree.exists(checkout.common + "/reftable"):
        raise Unreadable("refs are kept in a reftable, which is not read")
    for _ in range(_SYMBOLIC):
        if not value.startswith("ref:"):
            break
        value = _resolve(checkout, value[4:].strip())
    if not _ID.match(value):
        raise Unreadable("HEAD names no commit")
    return value


def _ref_file(checkout, folder, name):
    return os.fsdecode(checkout.tree.read("%s/%s" % (folder, name), _SMALL)).strip()


def _resolve(checkout, name):
    if not name.startswith("refs/") or ".." in name:
        raise Unreadable("HEAD names no ref")
    for folder in dict.fromkeys((checkout.git, checkout.common)):
        try:
            return _ref_file(checkout, folder, name)
        except Missing:
            continue
    for ref, commit, _peeled in _packed(checkout):
        if ref == name:
            return commit
    raise Unreadable("%s has no commit yet" % name)


def _packed(checkout):
    """(ref, id, peeled id or "") of packed-refs."""
    try:
        data = checkout.tree.read(checkout.common + "/packed-refs", MOST_PACKED)
    except Missing:
        return
    ref = None
    for line in os.fsdecode(data).split("\n"):
        if line.startswith("^") and ref:
            yield (*ref, line[1:].strip())
            ref = None
            continue
        if ref:
            yield (*ref, "")
        commit, space, name = line.partition(" ")
        ref = (name, commit) if space and _ID.match(commit) else None
    if ref:
        yield (*ref, "")


# Tags


def tags_of(checkout, commit):
    """Names of the tags on a commit, sorted; and why some tags could not be looked at, or ""."""
    loose = {}
    _loose(checkout, "", loose, 0)
    found = {name for name, value in loose.items() if value == commit}
    for ref, value, peeled in _packed(checkout):
        name = ref[len("refs/tags/") :]
        if ref.startswith("refs/tags/") and name not in loose and commit in (value, peeled):
            found.add(name)
    unknown, unread = sorted(set(loose) - found), ""
    for name in unknown[:MOST_PEELED]:
        try:
            if _peeled(checkout, loose[name]) == commit:
                found.add(name)
        except Unreadable as why:
            unread = "tag %s: %s" % (name, why)
    if len(unknown) > MOST_PEELED:
        unread = "only %d of %d tags were looked at" % (MOST_PEELED, len(unknown))
    return sorted(found), unread


def _loose(checkout, folder, found, depth):
    """Tags that have a file of their own: name -> what is in it."""
    try:
        with checkout.tree.directory("%s/refs/tags/%s" % (checkout.common, folder)) as directory:
            for name in directory.names(MOST_REFS):
                if len(found) > MOST_REFS or depth > _DEEP:
                    raise Unreadable("too many refs")
                if stat.S_ISDIR(directory.status(name).st_mode):
                    _loose(checkout, "%s%s/" % (folder, name), found, depth + 1)
                elif not name.endswith(".lock"):
                    found[folder + name] = os.fsdecode(directory.read(name, _SMALL)).strip()
    except Missing:
        return


def _peeled(checkout, name):
    """The commit that an annotated tag names; "" for what is no tag."""
    if not _ID.match(name):
        return ""
    if checkout.objects.kind(name) != "tag":
        return ""
    match = re.match(rb"object ([0-9a-f]{40,64})\n", checkout.objects.content(name))
    return match.group(1).decode("ascii") if match else ""


def tree_of(checkout, commit):
    """The id of the tree of a commit. Raises `Unreadable`."""
    match = re.match(rb"tree ([0-9a-f]{40,64})\n", checkout.objects.content(commit))
    if checkout.objects.kind(commit) != "commit" or not match:
        raise Unreadable("no commit")
    return match.group(1).decode("ascii")
