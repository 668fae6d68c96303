"""`tightship login` and `logout`: which service the verbs ask that read."""

from __future__ import annotations

import os
import sys

import click

from tightship.cli import chosen, service
from tightship.cli.running import Cannot


@click.command()
@click.argument("url")
@click.option(
    "--insecure-http",
    is_flag=True,
    help="Allow http:// to another machine: whoever is on the way can read the token.",
)
def login(url: str, insecure_http: bool) -> None:
    """Ask a service instead of this machine's store.

    The token is asked for, or read from the standard input. An administrator of the service makes it:
    `tightship token create --read`. It is tried, and kept in a file that only you can read.

    \b
    Example:
      tightship login https://tightship.example.com
    """
    address = chosen.address(url)
    asked = chosen.Service(address, "", insecure_http)
    service.may_be_sent(asked)  # before anybody types a token for nothing
    found = chosen.Service(address, _token(), insecure_http)
    said = service.ask(found, "")
    if said.get("service") != "tightship":
        raise Cannot(f"{address} does not answer as Tightship does. Check the address.")
    path = chosen.keep(found)
    click.echo(f"Reading verbs now ask {address}, until: tightship logout")
    click.echo(f"The token is kept in {path}.", err=True)
    if "TIGHTSHIP_URL" in os.environ:
        click.echo("TIGHTSHIP_URL is set in this shell, and goes first.", err=True)


@click.command()
def logout() -> None:
    """Forget that service and its token.

    The verbs read this machine's store again.

    \b
    Example:
      tightship logout
    """
    known = chosen.forget()
    if known is None:
        click.echo("No service was kept.")
    else:
        click.echo(f"Forgot {known.url} and its token. It stays valid there until it is revoked.")


def _token() -> str:
    # Never an option: those are in the shell's history and in /proc for all to read.
    if sys.stdin.isatty():
        typed: str = click.prompt("Token", hide_input=True, err=True)
        return typed.strip()
    line = sys.stdin.readline().strip()
    if not line:
        raise Cannot("No token came by the standard input: tightship login URL < FILE")
    return line
