"""Known troubles become one sentence with what to do."""

from __future__ import annotations

import errno

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError

from tightship.cli.explaining import explained
from tightship.fleet.report import Refused
from tightship.remote.local import ProbeError
from tightship.store.errors import StoreError
from tightship.store.place import BadSetting


@pytest.mark.parametrize(
    "error", [OperationalError("database is locked"), InterfaceError("connection closed")]
)
def test_what_a_database_says_is_told_as_the_store_tells_it(error: Exception) -> None:
    assert explained(error).startswith("The database ")


@pytest.mark.parametrize("kind", [StoreError, BadSetting, ProbeError, Refused])
def test_our_own_refusals_are_sentences(kind: type[Exception]) -> None:
    assert explained(kind("sudo is not installed: install it")) == "Sudo is not installed: install it."


def test_postgresql_without_its_driver_says_what_to_install() -> None:
    error = ImproperlyConfigured("Error loading psycopg2 or psycopg module")
    assert "tightship[postgres]" in explained(error)


def test_wrong_settings_are_told() -> None:
    assert explained(ImproperlyConfigured("x: expected y\nand more")) == (
        "The settings are not right: x: expected y"
    )


def test_what_the_system_refuses_is_told_with_the_place() -> None:
    sentence = explained(PermissionError(errno.EACCES, "Permission denied", "/var/lib/x"))
    assert sentence.startswith("/var/lib/x: permission denied. Run it as a user who may")


def test_what_is_no_known_trouble_is_not_explained() -> None:
    assert explained(KeyError("x")) == ""
