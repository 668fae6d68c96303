"""Files that a project includes from an address, as buildout's `extends` does: fetched, kept for a while."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

from tightship.index.configured import Configured, configured, without_password
from tightship.index.known import FRESH, cache_directory

LARGEST = 8 * 1024 * 1024
"""Bytes of one file. The longest list of versions that is known has some 100 kB."""


@dataclass(slots=True)
class Fetching:
    """Through the same proxies and certificates as the package indexes."""

    how: Configured = field(default_factory=configured)
    cache: Path = field(default_factory=lambda: cache_directory() / "fetched")
    fresh: timedelta = FRESH
    offline: bool = False

    def __call__(self, url: str) -> bytes:
        """What an address answers, or answered when it still could. Raises OSError, with a reason."""
        kept = self.cache / blake2b(url.encode(), digest_size=16).hexdigest()
        age = _age(kept)
        if age is not None and (self.offline or age < self.fresh.total_seconds()):
            return kept.read_bytes()
        if self.offline:
            raise OSError(f"{without_password(url)} was not fetched before, and nothing is fetched --offline")
        try:
            data = self._fetched(url)
        except OSError:
            if age is None:
                raise
            return kept.read_bytes()
        with contextlib.suppress(OSError):
            self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self.cache, suffix=".new", delete=False) as new:
                new.write(data)
            Path(new.name).replace(kept)
        return data

    def _fetched(self, url: str) -> bytes:
        from tightship.index.asking import session_for

        with session_for(self.how) as session:
            session.headers["Accept"] = "*/*"
            with session.get(url, timeout=self.how.timeout, stream=True) as response:
                if response.status_code != 200:
                    raise OSError(f"{without_password(url)} answers {response.status_code}")
                data = b""
                for part in response.iter_content(64 * 1024):
                    data += part
                    if len(data) > LARGEST:
                        raise OSError(f"{without_password(url)} is longer than {LARGEST // 1024 // 1024} MB")
                return data


def _age(path: Path) -> float | None:
    """Seconds since a file was written; None: it is not there."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None
