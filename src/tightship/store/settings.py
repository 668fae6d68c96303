"""Django's settings for whatever asks the store. `tightship.web.settings` adds what answers HTTP.

Variables: TIGHTSHIP_DATA, DATABASE_URL, TIGHTSHIP_SECRET_KEY, TIGHTSHIP_ALLOWED_HOSTS,
TIGHTSHIP_SILENT_AFTER, TIGHTSHIP_ADVISORIES_OLD_AFTER, TIGHTSHIP_TIME_ZONE. See docs/reference/settings.md.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from tightship.store.place import SECRET_KEY_FILE, BadSetting, data_directory
from tightship.store.place import database as _database

DATA = data_directory()

_sqlite_options: dict[str, Any] = {
    # Without IMMEDIATE a transaction that first reads and then writes fails with "locked" under load.
    "transaction_mode": "IMMEDIATE",
    "timeout": float(os.environ.get("TIGHTSHIP_LOCK_SECONDS", "20")),
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
    " PRAGMA mmap_size=1073741824; PRAGMA temp_store=MEMORY;",
}


def _databases() -> dict[str, dict[str, Any]]:
    where = _database()
    if where.vendor == "sqlite":
        return {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": where.name,
                "OPTIONS": _sqlite_options,
                "CONN_MAX_AGE": None,
            }
        }
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": where.name,
            "HOST": where.host,
            "PORT": where.port,
            "USER": where.user,
            "PASSWORD": where.password,
            "OPTIONS": {"connect_timeout": 10, **(where.options or {})},
            # A connection for each request costs more than the request. A dead one is noticed and replaced.
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
        }
    }


DATABASES = _databases()
ATOMIC_REQUESTS = False


def _secret_key(directory: Path) -> str:
    """TIGHTSHIP_SECRET_KEY; else the kept one. Where there is none yet, one for this process alone:
    `ready.migrate` makes and keeps it, reading changes nothing."""
    said = os.environ.get("TIGHTSHIP_SECRET_KEY", "")
    if said:
        if len(said) < 32:
            raise BadSetting("TIGHTSHIP_SECRET_KEY: expected at least 32 characters of random text")
        return said
    try:
        kept = (directory / SECRET_KEY_FILE).read_text().strip()
    except OSError:
        kept = ""
    return kept or secrets.token_urlsafe(50)


SECRET_KEY = _secret_key(DATA)
SECRET_KEY_WAS_SET = bool(os.environ.get("TIGHTSHIP_SECRET_KEY"))

_LOCAL = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [
    *_LOCAL,
    *(name.strip() for name in os.environ.get("TIGHTSHIP_ALLOWED_HOSTS", "").split(",") if name.strip()),
]


def _silent_after() -> timedelta:
    text = os.environ.get("TIGHTSHIP_SILENT_AFTER", "3")
    try:
        return timedelta(hours=float(text))
    except (ValueError, OverflowError):
        raise BadSetting(f"TIGHTSHIP_SILENT_AFTER: expected hours, as 3 or 0.5, got {text!r}") from None


SILENT_AFTER = _silent_after()


def _advisories_old_after() -> timedelta:
    text = os.environ.get("TIGHTSHIP_ADVISORIES_OLD_AFTER", "7")
    try:
        return timedelta(days=float(text))
    except (ValueError, OverflowError):
        raise BadSetting(
            f"TIGHTSHIP_ADVISORIES_OLD_AFTER: expected days, as 7 or 1.5, got {text!r}"
        ) from None


ADVISORIES_OLD_AFTER = _advisories_old_after()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "tightship.store",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = os.environ.get("TIGHTSHIP_TIME_ZONE", "UTC")
LANGUAGE_CODE = "en-us"
USE_I18N = False
