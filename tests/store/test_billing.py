"""What runs of a thing: all of it, or a word that it is too much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.store.conftest import Told
from tightship.store import billing
from tightship.store.billing import TooMany, billed
from tightship.store.querying import view


def test_a_part_never_looks_like_all(
    told: Told, shop: Callable[..., tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for server in ("web1", "web2"):
        told(shop(), server=server)
    monkeypatch.setattr(billing, "MOST", 1)

    with pytest.raises(TooMany, match="shop runs in more than 1 process groups: name a stage or a server"):
        billed("shop", view(told.now))
    assert len(billed("shop@web2", view(told.now)).ran) == 1
