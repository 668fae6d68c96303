"""`tightship restore`: what `tightship backup` wrote, into the database of this service."""

from __future__ import annotations

from pathlib import Path

import click

from tightship.cli import kept
from tightship.cli.running import FINE
from tightship.store import place


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Give up what the database holds now.")
def restore(file: Path, replace: bool) -> int:
    """Put what `backup` wrote into this service's database.

    The database is that of DATABASE_URL, or the file in the data directory, whichever the backup was made
    of. The file is checked first; then all of it is there, or nothing was changed. A backup of an older
    release is brought up to date. What serves and works on the database is to be stopped before.

    \b
    Examples:
      tightship restore /var/backups/tightship-2026-11-24.zip
      DATABASE_URL=postgresql://... tightship restore tightship-2026-11-24.zip
    """
    kept.only_here("A restore")
    from tightship.store.archive import reading

    with reading(file) as backup:
        kept.make_directory()
        from tightship.store.ready import set_up

        set_up()
        from tightship.store.restoring import restore as put_in_place

        put_in_place(backup, replace)
        rows = sum(backup.manifest.rows.values())
        click.echo(f"Restored {rows:,} rows of {backup.manifest.made} into {place.database()}.")
    return FINE
