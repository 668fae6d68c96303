"""What the verbs ask of the store, or of a service in its place. Django is set up here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tightship.cli.checks import Database, Serving, Work
from tightship.cli.chosen import chosen, named
from tightship.cli.running import Cannot
from tightship.store import place
from tightship.store.listing import Listing, View

if TYPE_CHECKING:
    from tightship.store.search import Found

EMPTY = "Nothing was recorded yet: no database at {}. Record this server: tightship gather"


def directory() -> Path:
    """Where data is kept."""
    return place.data_directory()


def listing(name: str) -> Listing:
    """A listing of the store, by its name."""
    from tightship.store.ready import set_up

    set_up()
    from tightship.store.listings import LISTINGS

    return asked_where(LISTINGS[name], f"/{name}")


def asked_where(found: Listing, path: str, **also: str) -> Listing:
    """A listing of the local store, or the same of the service that was chosen."""
    if not named():
        return found
    from tightship.cli.remote import Remote

    return Remote(found, path, also)


def users_of(specifier: str, resting: bool = False) -> Listing:
    """Who uses a package; `resting`: where it is at rest. Raises BadSpecifier, a ValueError."""
    from tightship.store.ready import set_up

    set_up()
    from tightship.store.using import at_rest, who_uses

    found = at_rest(specifier) if resting else who_uses(specifier)
    return asked_where(found, "/who-uses", specifier=specifier, at_rest="yes" if resting else "")


def compared(sides: Sequence[tuple[str, datetime | None, str]]) -> Listing:
    """What differs between things, each (what, when, what its column is called)."""
    from tightship.store.ready import set_up

    set_up()
    from tightship.store.comparing import Compared, Side

    said: dict[str, str] = {}
    for name, (what, when, _label) in zip("ab", sides, strict=True):
        said |= {name: what, f"{name}_at": when.isoformat() if when else ""}
    return asked_where(Compared([Side(*side) for side in sides]), "/diff", **said)


def search(view: View, text: str, most: int) -> Found:
    """What has a name, and what that answer covers. The view is one of `view`."""
    if named():
        from tightship.cli.searched import searched
        from tightship.store.ready import set_up

        set_up()
        return searched(view, text)
    from tightship.store.search import search_covered

    return search_covered(view, text, most)


def search_json(found: Found, view: View) -> str:
    from tightship.store.search import to_json

    return to_json(found, view)


def view(now: datetime, at: datetime | None) -> View:
    """The view of an existing database, or of a service. Raises Cannot."""
    if named():
        return View(now, at)
    open_database()
    from tightship.store import querying

    return querying.view(now, at)


def only_here(what: str) -> None:
    """Raises Cannot where a service is asked: what is written goes to the data of this server alone."""
    service = chosen()
    if service:
        raise Cannot(
            f"{what} is for where the data is kept, and {service.url} is asked from here. Type it there; an "
            "empty TIGHTSHIP_URL asks the data of this server."
        )


def open_database() -> None:
    """Make the store ready to be read. Raises Cannot where there is none: reading makes no database."""
    where = place.database()
    if where.vendor == "sqlite" and not Path(where.name).exists():
        raise Cannot(EMPTY.format(where))
    from tightship.store.ready import set_up

    set_up()


def make_ready() -> None:
    """Make the store ready to be written: made where there is none, brought up to date."""
    from tightship.store.ready import migrate

    make_directory()
    migrate()


def make_directory() -> None:
    """Make the directory of the data where there is none. Raises Cannot."""
    try:
        directory().mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Cannot(
            f"{directory()} can't be made: {(error.strerror or '').lower()}. Let somebody who may make it "
            f"for you (install -d -o USER {directory()}), or choose another: export TIGHTSHIP_DATA=DIRECTORY"
        ) from None


def trouble() -> str:
    """What is wrong with the settings themselves, in words; empty: they can be used."""
    from tightship.store.ready import set_up

    try:
        place.database()
        set_up()
    except place.BadSetting as error:
        return str(error)
    return ""


def database() -> Database:
    """What the doctor asks of the database. The settings can be used."""
    where = place.database()
    if where.vendor == "sqlite" and not Path(where.name).exists():
        return Database("sqlite", str(where), exists=False)
    from tightship.store.errors import StoreError, told

    try:
        with told():
            return _asked(where)
    except StoreError as error:
        return Database(where.vendor, str(where), error=str(error))


def _asked(where: place.DatabaseAddress) -> Database:
    from django.db import connection

    with connection.cursor() as cursor:
        journal, now = "", None
        if connection.vendor == "sqlite":
            journal = str(cursor.execute("PRAGMA journal_mode").fetchone()[0])
        else:
            cursor.execute("SELECT now()")
            now = cursor.fetchone()[0]
    waiting, unknown = _migrations(connection)
    return Database(
        where.vendor,
        str(where),
        version=_version(connection),
        journal=journal,
        waiting=waiting,
        unknown=unknown,
        now=now,
        newest_report=None if waiting else _newest_report(),
        simulated=not waiting and _is_simulated(),
        work=None if waiting else _work(),
    )


def _version(connection: Any) -> tuple[int, ...]:
    if connection.vendor == "sqlite":
        import sqlite3

        return sqlite3.sqlite_version_info
    version: int = connection.pg_version
    return divmod(version, 10000)


def _migrations(connection: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Migrations that wait, and those that a newer release applied."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    ours = {key for key in loader.applied_migrations if key[0] == "store"}
    unknown = sorted(ours - set(loader.disk_migrations))
    return tuple(str(step[0]) for step in plan), tuple(".".join(key) for key in unknown)


def _newest_report() -> datetime | None:
    from django.db.models import Max

    from tightship.store.models import Server

    newest: datetime | None = Server.objects.aggregate(newest=Max("reported_at"))["newest"]
    return newest


def _work() -> Work | None:
    from tightship.store.leases import SILENCE, WORK, held

    goes, notes = held(WORK), held(SILENCE)
    both = [lease for lease in (goes, notes) if lease]
    if not both:
        return None
    newest = next((lease for lease in both if lease.valid), max(both, key=lambda lease: lease.until))
    said = goes.said if goes else {}
    failed = len(said.get("failed", ()))
    return Work(
        newest.holder, newest.until, newest.valid, said.get("tried", 0), failed, said.get("round", "")
    )


def _is_simulated() -> bool:
    from tightship.store.simulation import is_simulated

    return is_simulated()


def serving(asked: Database) -> Serving:
    """What the doctor asks of the settings, and of a database that answered."""
    from django.conf import settings

    answers = asked.exists and not asked.error and not asked.waiting
    return Serving(
        secret_key=bool(os.environ.get("TIGHTSHIP_SECRET_KEY")) or has_key(),
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
        administrators=_administrators() if answers else None,
        debug=settings.DEBUG,
    )


def has_key() -> bool:
    return (directory() / place.SECRET_KEY_FILE).exists()


def _administrators() -> int:
    from django.contrib.auth import get_user_model

    people = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return sum(person.has_usable_password() for person in people)
