"""Digests: BLAKE2b, as all of Tightship uses it."""

try:  # what hashlib hands on, without the 3 ms that OpenSSL takes to load
    from _blake2 import blake2b
except ImportError:  # pragma: no cover - an interpreter that has it elsewhere
    from hashlib import blake2b

from tightship_probe.rights import loaded


def digest(text, size=20):
    """The hexadecimal digest of a text, `size` bytes long; half characters are taken as they are."""
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=size).hexdigest()


def of_git(is_long):
    """The hash that names git's objects: SHA-1, or SHA-256 in a repository made with it."""
    for name in ("_sha2", "_sha256") if is_long else ("_sha1",):
        try:
            module = loaded(name)
        except ImportError:
            continue
        return module.sha256 if is_long else module.sha1
    hashlib = loaded("hashlib")
    return hashlib.sha256 if is_long else hashlib.sha1
