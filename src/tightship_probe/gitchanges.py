"""Whether a git checkout is dirty: tracked files, or the index, differ from the commit. No git is run."""

import itertools
import os
import re
import stat
import time

from tightship_probe import gitfiles, gitindex
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Missing, Unreadable

MOST_HASHED = 500
"""Files whose content is compared, because their size or time differ from what git noted."""
MOST_CONTENT = 4 * 1024 * 1024
MOST_CONTENTS = 32 * 1024 * 1024
SECONDS = 1.0
_SUBMODULE = 0o160000
_FOLDER = 0o040000
_MOST_NESTED = 3
_FILTERS = Pattern(rb"(?:^|\s)(?:filter|ident|working-tree-encoding)(?:=|\s|$)", re.M)
_TEXTS = Pattern(rb"(?:^|\s)(?:text|eol|crlf)(?:=|\s|$)", re.M)


def is_dirty(checkout, commit):
    """True, False, or None where that can't be told within bounds. Untracked files do not count."""
    return _Comparison(_Budget()).of(checkout, commit)


class _Budget(object):
    """What all comparing in one checkout, its submodules included, may take."""

    def __init__(self):
        self.files = MOST_HASHED
        self.bytes = MOST_CONTENTS
        self.end = time.monotonic() + SECONDS

    @property
    def is_spent(self):
        return self.files <= 0 or self.bytes <= 0 or time.monotonic() > self.end


class _Comparison(object):
    def __init__(self, budget, depth=0):
        self.budget = budget
        self.depth = depth

    def of(self, checkout, commit):
        self.checkout = checkout
        self.tree = checkout.tree
        self.algorithm = gitindex.algorithm_of(commit)
        self.settings = _Settings(checkout)
        self.top = self.tree.real(checkout.top)
        entries = self._entries(len(commit) // 2)
        if entries is None:
            return None
        if any(entry.intended or entry.conflicting for entry in entries):
            return True
        return _together(itertools.chain([self._is_staged(entries, commit)], self._files(entries)))

    def _entries(self, digest_size):
        path = self.checkout.git + "/index"
        try:
            status = self.tree.status(path)
            self.written = status.st_mtime_ns
            return gitindex.entries_of(self.tree.read(path, gitindex.MOST_BYTES), digest_size)
        except Missing:
            return None

    def _is_staged(self, entries, commit):
        """Whether the index holds something else than the commit."""
        try:
            wanted = gitfiles.tree_of(self.checkout, commit)
        except Unreadable:
            return None
        return gitindex.tree_id(entries, self.algorithm) != wanted

    def _files(self, entries):
        """Answers for each tracked file. They stand sorted: one directory is open at a time."""
        directory, parent = None, None
        try:
            for entry in entries:
                if entry.unwatched or entry.mode == _FOLDER:
                    continue
                if time.monotonic() > self.budget.end:
                    yield None
                    return
                above, _, name = os.fsdecode(entry.name).rpartition("/")
                if above != parent:
                    if directory is not None:
                        directory.__exit__()
                    directory, parent = None, above
                    directory = self._directory(above)
                yield self._of_file(directory, name, above, entry) if directory else True
        finally:
            if directory is not None:
                directory.__exit__()

    def _directory(self, above):
        """The open directory; None where it is gone, or a link now: its files are gone then, for git."""
        path = os.path.join(self.top, above) if above else self.top
        try:
            directory = self.tree.directory(path)
        except Missing:
            return None
        if directory.path != path:
            directory.__exit__()
            return None
        return directory

    def _of_file(self, directory, name, above, entry):
        try:
            status = directory.status(name)
        except Missing:
            return True
        if entry.mode == _SUBMODULE:
            return self._of_submodule(os.path.join(directory.path, name), entry)
        is_link = stat.S_ISLNK(entry.mode)
        if is_link != stat.S_ISLNK(status.st_mode) or not (is_link or stat.S_ISREG(status.st_mode)):
            return None if is_link and self.settings.without_links else True
        if not is_link and self.settings.modes and (status.st_mode ^ entry.mode) & 0o100:
            return True
        same_size = status.st_size & 0xFFFFFFFF == entry.size
        if entry.size and not same_size:  # a change for git too, whatever a filter would make of it
            return True
        if same_size and self._is_untouched(status, entry):
            return False
        return self._of_content(directory, name, above, entry, status)

    def _is_untouched(self, status, entry):
        """Whether the time is the one that git noted, and it noted it after the file was written."""
        modified, noted, written = status.st_mtime_ns, entry.modified, self.written
        if noted % 10**9 == 0 or modified % 10**9 == 0:  # somebody knows whole seconds only
            modified, noted, written = modified // 10**9, noted // 10**9, written // 10**9
        return modified == noted and noted < written

    def _of_content(self, directory, name, above, entry, status):
        if self.budget.is_spent or status.st_size > MOST_CONTENT:
            return None
        self.budget.files -= 1
        self.budget.bytes -= status.st_size
        if stat.S_ISLNK(entry.mode):
            return not self._is_content(
                os.fsencode(self.tree.link(os.path.join(directory.path, name))), entry
            )
        data = directory.read(name, MOST_CONTENT)
        if self._is_content(data, entry):
            return False
        is_filtered, is_text = self.settings.attributes(above)
        if is_filtered:
            return None
        if b"\r\n" in data and self._is_content(data.replace(b"\r\n", b"\n"), entry):
            return False if is_text else None  # who knows what that user's own git configuration says
        return True

    def _is_content(self, data, entry):
        return self.algorithm(b"blob %d\0" % len(data) + data).digest() == entry.digest

    def _of_submodule(self, path, entry):
        found = gitfiles.checkout_at(self.tree, path)
        if found is None:  # not initialised
            return False
        commit = gitfiles.head(found)
        if commit != entry.digest.hex():
            answer = True
        elif self.depth >= _MOST_NESTED:
            return None
        else:
            answer = _Comparison(self.budget, self.depth + 1).of(found, commit)
        return None if answer and self.settings.ignores_submodules else answer


class _Settings(object):
    """What by configuration may differ between the files and what git stores."""

    def __init__(self, checkout):
        self._checkout = checkout
        config = self._read(checkout.common + "/config").lower()
        self.modes = re.search(rb"^\s*filemode\s*=\s*false", config, re.M) is None
        self.without_links = re.search(rb"^\s*symlinks\s*=\s*false", config, re.M) is not None
        self._crlf = re.search(rb"^\s*autocrlf\s*=\s*(?:true|input)", config, re.M) is not None
        modules = config + self._read(checkout.top + "/.gitmodules").lower()
        self.ignores_submodules = re.search(rb"^\s*ignore(?:submodules)?\s*=", modules, re.M) is not None
        self._known = {}

    def attributes(self, above):
        """(whether content may be filtered, whether line ends may be changed) of files in a directory."""
        if above not in self._known:
            own = self._read(os.path.join(self._checkout.top, above, ".gitattributes"))
            if above:
                filtered, text = self.attributes(os.path.dirname(above))
            else:
                own += b"\n" + self._read(self._checkout.common + "/info/attributes")
                filtered, text = False, self._crlf
            filtered = filtered or _FILTERS.search(own) is not None
            self._known[above] = (filtered, text or _TEXTS.search(own) is not None)
        return self._known[above]

    def _read(self, path):
        try:
            return self._checkout.tree.read(path)
        except Missing:
            return b""
        except Unreadable:
            return b"* filter=unread"


def _together(answers):
    """True as soon as anything differs, else None where anything is not known."""
    in_doubt = False
    for answer in answers:
        if answer:
            return True
        in_doubt = in_doubt or answer is None
    return None if in_doubt else False
