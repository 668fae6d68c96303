"""Makes the store ready to be asked, or to be written."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from tightship.store.place import keep_secret_key

SETTINGS = "tightship.store.settings"


def set_up() -> None:
    """Set Django up for whatever asks the store. Cheap when it was done before."""
    import django
    from django.apps import apps
    from django.conf import settings

    if not settings.configured:
        # Whoever types our verbs has often set this for an application of their own.
        os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    if not apps.ready:
        django.setup()


def migrate() -> None:
    """Bring the database up to date; makes it, and the secret key, where there is none."""
    keep_secret_key()
    set_up()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)

    from tightship.store.judging import catch_up

    catch_up(datetime.now(UTC))
