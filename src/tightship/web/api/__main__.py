"""Writes docs/reference/api.md and openapi.json: `python -m tightship.web.api`."""

from __future__ import annotations

from tightship.store.ready import set_up

set_up()

from tightship.web.api.described import main  # noqa: E402 - models may only be imported after Django is set up

main()
