"""The web process: `python -m tightship.web prepare URL | found | link | serve ADDRESS PORT WORKERS`.

`tightship serve` starts it, as the user that it chose. `prepare` brings the database up to date and
prints, as JSON, what `serve` has to know; `found` prints what is known, `link` a new login link.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from tightship.store import ready
from tightship.store.errors import StoreError
from tightship.store.place import SECRET_KEY_FILE, BadSetting

SETTINGS = "tightship.web.settings"


def main(arguments: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    what, *rest = arguments
    if what == "serve":
        serve(rest[0], int(rest[1]), int(rest[2]))
        return
    try:
        print(_said(what, rest))
    except (StoreError, BadSetting, OSError) as error:
        sys.exit(f"tightship: {error}")


def _said(what: str, rest: list[str]) -> str:
    import django

    django.setup()
    match what:
        case "prepare":
            return json.dumps(prepare(rest[0]))
        case "link":
            return link()
        case "found":
            return found()
        case _:
            sys.exit(f"tightship: expected prepare, found, link or serve, got {what!r}")


def prepare(address: str) -> dict[str, object]:
    """Bring the database up to date, remember where the pages are, and say what there is for others
    than this server's own users to come: an administrator with a password, their host names, a key."""
    from django.conf import settings

    ready.migrate()
    _refuse_anothers_key(settings.DATA / SECRET_KEY_FILE)
    _kept_address().write_text(address + "\n")
    others = [host for host in settings.ALLOWED_HOSTS if host not in ("localhost", "127.0.0.1", "[::1]")]
    return {
        "administrator": administrator(),
        "allowed_hosts": bool(others),
        "secret_key": settings.SECRET_KEY_WAS_SET or (settings.DATA / SECRET_KEY_FILE).exists(),
    }


def _refuse_anothers_key(kept: Path) -> None:
    """Without it each web process would sign with a key of its own, and know nobody whom another let in."""
    if not os.environ.get("TIGHTSHIP_SECRET_KEY") and not os.access(kept, os.R_OK):
        raise BadSetting(
            f"{kept} can't be read by this user; another account made it. Give it to the one that serves: "
            f"chown {os.getuid()} {kept}"
        )


def _kept_address() -> Path:
    from django.conf import settings

    data: Path = settings.DATA
    return data / "address"


def found() -> str:
    """What is known now, in a line."""
    from django.utils.timezone import now

    from tightship.store import details
    from tightship.store.querying import view
    from tightship.web import sentences

    figures = details.overview(view(now()))
    if not figures.groups:
        return sentences.overview(figures) if figures.covers.servers else "Nothing is known yet."
    parts = [
        (figures.stale, "stale"),
        (figures.conflict, "with sources that disagree"),
        (figures.unread, "partly unread"),
    ]
    rest = ", ".join(f"{number} {what}" for number, what in parts if number)
    groups = sentences.counted(figures.groups, "process group")
    return f"{sentences.overview(figures)} {groups}{': ' if rest else '.'}{rest}{'.' if rest else ''}"


def administrator() -> bool:
    from django.contrib.auth import get_user_model

    people = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return any(person.has_usable_password() for person in people)


def link() -> str:
    """A link that logs in once, to where the pages were served last."""
    from tightship.web.access import new_link

    try:
        address = _kept_address().read_text().strip()
    except OSError:
        sys.exit("tightship: The pages were never served from here. Start them: tightship serve")
    return address + new_link()


def serve(address: str, port: int, workers: int) -> None:
    """Answer requests until told to end, or until whoever started us is gone."""
    from granian import Granian
    from granian.constants import Interfaces

    threading.Thread(target=_end_with_parent, daemon=True).start()
    Granian(
        "tightship.web.wsgi:application",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=1,
        websockets=False,
        log_level="warning",  # type: ignore[arg-type]
        workers_kill_timeout=5,
    ).serve()


def _end_with_parent() -> None:
    # Nobody writes to this pipe. It ends when the process that holds its other end does.
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
