"""How it goes, for people and for monitoring."""

import time

import tightship_agent
from tightship_agent import memory, sending
from tightship_agent.spool import Spool, SpoolError


def told(settings):
    """What was sent, waits and was lost, as JSON to be. Reading it changes nothing."""
    known = memory.read(settings.memory)
    said = {
        "version": tightship_agent.__version__,
        "url": settings.url,
        "last_sent": _when(known.sent_at),
        "last_try": _when(known.tried_at),
        "last_error": known.error,
        "spooled": None,
        "dropped": known.dropped,
        "cut": known.cut,
        "refused": known.refused,
    }
    try:
        with Spool(settings.spool) as spool:
            numbers = spool.numbers()
    except SpoolError as error:
        return dict(said, last_error=said["last_error"] or str(error))
    known = sending.reconciled(known, numbers)
    waiting, missing = sending.pending(known, numbers), sending.missing(known, numbers)
    return dict(said, spooled=len(waiting), dropped=known.dropped + missing)


def _when(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None
