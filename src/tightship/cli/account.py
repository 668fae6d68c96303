"""`tightship account`: accounts of the people who log in to the pages."""

from __future__ import annotations

import sys
from typing import Any

import click

from tightship.cli import kept
from tightship.cli.running import Cannot


@click.group()
def account() -> None:
    """Accounts of the people who log in to the pages.

    \b
    Example:
      tightship account add alice --administrator
    """


@account.command()
@click.argument("name")
@click.option("--administrator", is_flag=True, help="One is needed before `serve` leaves loopback.")
def add(name: str, administrator: bool) -> None:
    """Make an account. The password is asked for, or read from the standard input.

    \b
    Example:
      tightship account add alice --administrator
    """
    kept.make_ready()
    from django.contrib.auth import get_user_model
    from django.contrib.auth.password_validation import (
        CommonPasswordValidator,
        MinimumLengthValidator,
        UserAttributeSimilarityValidator,
        validate_password,
    )
    from django.core.exceptions import ValidationError

    users = get_user_model()
    if users.objects.filter(username=name).exists():
        raise Cannot(f"There already is an account {name!r}. `tightship account list` shows them all.")
    person = users(username=name, is_staff=administrator, is_superuser=administrator)
    password = _password()
    rules: list[Any] = [
        MinimumLengthValidator(10),
        CommonPasswordValidator(),
        UserAttributeSimilarityValidator(),
    ]
    try:
        validate_password(password, person, rules)
        person.set_password(password)
        person.full_clean()
    except ValidationError as error:
        raise Cannot(" ".join(error.messages)) from None
    person.save()
    click.echo(f"Made {'administrator' if administrator else 'account'} {name}.")


@account.command(name="list")
def list_() -> None:
    """The accounts, a line each.

    \b
    Example:
      tightship account list
    """
    kept.open_database()
    from django.contrib.auth import get_user_model

    people = (
        get_user_model().objects.order_by("username").values_list("username", "is_superuser", "is_active")
    )
    for name, administrator, active in people:
        words = ["administrator"] * administrator + ["may not log in"] * (not active)
        click.echo("  ".join([name, ", ".join(words)]).rstrip())
    if not people:
        click.echo("No accounts yet: tightship account add NAME --administrator", err=True)


def _password() -> str:
    # Never an option: those are in the shell's history and in /proc for all to read.
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return password
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise Cannot(
            "No password came by the standard input: printf '%s\\n' PASSWORD | tightship account add NAME"
        )
    return line
