"""`tightship backup`: all that is remembered, as one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tightship.cli import kept
from tightship.cli.running import FINE, Cannot


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--replace", is_flag=True, help="Also where FILE exists: it is replaced once the new one is whole."
)
def backup(file: Path, replace: bool) -> int:
    """Write all that is remembered to one file.

    The file is of one moment, whichever the database, and `tightship restore` puts it into SQLite or
    PostgreSQL. It holds the accounts, the digests of tokens and the secret key of the data directory:
    only you may read it. fleet.toml is not in it.

    \b
    Example:
      tightship backup /var/backups/tightship-2026-11-24.zip
    """
    kept.only_here("A backup")
    if file.is_dir():
        raise Cannot(f"{file} is a directory: say a file in it, as {file / 'tightship.zip'}")
    if not file.parent.is_dir():
        raise Cannot(f"There is no directory {file.parent}: make it, or say another")
    if file.exists() and not replace:
        raise Cannot(f"{file} exists already: say another name, or --replace")
    kept.open_database()
    from tightship.store.backing import back_up

    try:
        manifest = back_up(file, datetime.now(UTC))
    except OSError as error:
        raise Cannot(f"{file} could not be written: {(error.strerror or str(error)).lower()}") from None
    key = "with" if "secret-key" in manifest.sha256 else "without"
    rows = sum(manifest.rows.values())
    click.echo(
        f"Wrote {rows:,} rows to {file} ({file.stat().st_size / 1024**2:.1f} MB), {key} the secret key."
    )
    return FINE
