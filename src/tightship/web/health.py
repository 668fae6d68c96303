"""`GET /healthz`: whether this service can answer, for whatever watches it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse

from tightship.store.errors import StoreError, told
from tightship.web.problems import busy


@login_not_required
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers and is as this release needs it; else 503 with the reason."""
    try:
        with told(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM store_server LIMIT 1")
    except StoreError as error:
        return busy(error)
    return HttpResponse("fine\n", content_type="text/plain")
