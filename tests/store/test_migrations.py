"""The migrations are those of the models, and a database is made from nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import models
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


BEFORE_THE_RULE = "0012"
"""The rule is younger: nobody ran a release with these while another was there."""

REASONED: dict[str, str] = {}
"""Migrations that may break the rule, each with the reason."""

NARROWING = (
    operations.RemoveField,
    operations.RenameField,
    operations.AlterField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
)


def breaks(operation: Operation) -> bool:
    """Whether the release before could not work with the tables that this makes."""
    if isinstance(operation, operations.AddField):
        field = operation.field
        return not (field.many_to_many or field.null or field.has_db_default())
    return isinstance(operation, NARROWING)


def test_each_migration_leaves_the_release_before_able_to_work() -> None:
    """docs/explanation/migrations.md"""
    disk = MigrationLoader(None).disk_migrations
    ours = {name: migration for (app, name), migration in disk.items() if app == "store"}
    broken = {
        name: [operation.describe() for operation in migration.operations if breaks(operation)]
        for name, migration in ours.items()
        if name[:4] > BEFORE_THE_RULE and name not in REASONED
    }
    assert {name: told for name, told in broken.items() if told} == {}


@pytest.mark.parametrize(
    ("field", "broken"),
    [
        (models.IntegerField(), True),
        (models.IntegerField(default=1), True),
        (models.IntegerField(null=True), False),
        (models.IntegerField(db_default=1), False),
    ],
)
def test_a_new_column_needs_a_value_from_the_database(field: models.Field[Any, Any], broken: bool) -> None:
    assert breaks(operations.AddField("server", "shoes", field)) == broken


def test_what_goes_or_is_called_otherwise_breaks_the_release_before() -> None:
    assert breaks(operations.RemoveField("server", "live"))
    assert breaks(operations.RenameField("server", "live", "alive"))
    assert not breaks(operations.CreateModel("Shoe", []))
