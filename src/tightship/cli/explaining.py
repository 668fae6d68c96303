"""Known troubles from below, each as a sentence with what to do."""

from __future__ import annotations

import errno

_HINTS = {
    errno.EACCES: " Run it as a user who may, or choose another place.",
    errno.EPERM: " Run it as a user who may, or choose another place.",
    errno.EROFS: " Choose a place that can be written.",
    errno.ENOSPC: " Free some space.",
    errno.EMFILE: " Raise the limit: ulimit -n 4096",
}

TOLD = frozenset({"StoreError", "BackupError", "BadSetting", "ProbeError", "Refused"})
"""Exceptions of ours whose message already is such a sentence."""


def explained(error: Exception) -> str:
    """One sentence for what went wrong; empty where it is not a known trouble."""
    kinds = {kind.__name__ for kind in type(error).__mro__}  # by name: `--help` imports none of them
    if kinds & TOLD:
        return _sentence(str(error))
    if kinds & {"DatabaseError", "InterfaceError"}:
        return _of_database(error)
    if "ImproperlyConfigured" in kinds and "psycopg" in str(error):
        return "PostgreSQL needs its driver: pip install 'tightship[postgres]'"
    if "ImproperlyConfigured" in kinds:
        return f"The settings are not right: {str(error).splitlines()[0]}"
    if isinstance(error, OSError) and error.errno:
        return _of_system(error)
    return ""


def _of_database(error: Exception) -> str:
    from tightship.store.errors import StoreError, told

    try:
        with told():
            raise error
    except StoreError as known:
        return str(known)


def _of_system(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{reason}.{_HINTS.get(error.errno or 0, '')}"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", ")", "?")) else f"{text}."
