"""Which service is asked, and with which token."""

from __future__ import annotations

from pathlib import Path

import pytest

from tightship.cli import chosen
from tightship.cli.chosen import Service
from tightship.cli.running import Cannot


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "tightship" / chosen.FILE


def test_what_is_kept_is_this_users_alone(config: Path) -> None:
    kept = Service("https://tightship.example.com", "secret")
    assert chosen.keep(kept) == config
    assert config.stat().st_mode & 0o777 == 0o600
    assert chosen.kept() == kept


def test_a_token_that_others_may_read_is_not_used(config: Path) -> None:
    chosen.keep(Service("https://tightship.example.com", "secret"))
    config.chmod(0o640)
    with pytest.raises(Cannot, match="others may read it: chmod 600"):
        chosen.kept()


def test_a_token_shows_in_no_message() -> None:
    assert "secret" not in repr(Service("https://tightship.example.com", "secret"))


def test_a_damaged_file_is_said_and_can_be_forgotten(config: Path) -> None:
    chosen.keep(Service("https://tightship.example.com", "secret"))
    config.write_text("{")
    with pytest.raises(Cannot, match="is damaged"):
        chosen.kept()
    assert chosen.forget() is not None
    assert chosen.kept() is None
