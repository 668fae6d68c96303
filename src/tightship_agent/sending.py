"""What the sender does: every report of the spool that was not sent yet, in order, until one can't be.

A report that the service refuses, or that a full disk cut off, must not keep the others back for
ever; a service that refuses everything (a proxy with a wrong name, say) must not make us throw
everything away. So a refused report is passed over once a later one was taken in, and not before.
"""

import calendar
import contextlib
import fcntl
import json
import os
import time

from tightship_agent import document, memory, spool
from tightship_agent.service import Refused, Service, Unsent
from tightship_agent.words import reason

MOST_REFUSED = 3
"""So many refused in a row, and only the newest is tried."""

_LOCK = "lock"
_CLOCK_WAS_SET = 60
"""Seconds that the clock may drift while a report waits."""


class Sender(object):
    """One run. `say` is given lines for the log."""

    def __init__(self, settings, token, say):
        self._settings = settings
        self._say = say
        self._service = Service(settings, token)
        self._memory = memory.NOTHING
        self._aside = []
        self._forgetful = ""

    def run(self):
        """Send what waits; empty, or why not all of it is sent. Raises `SpoolError`, `Unsent`."""
        with spool.Spool(self._settings.spool) as waiting, one_at_a_time(self._settings.memory):
            numbers = waiting.numbers()
            self._memory = reconciled(memory.read(self._settings.memory), numbers)
            try:
                why = self._send(waiting, pending(self._memory, numbers))
            finally:
                self._service.close()
            self._remember(tried_at=int(time.time()), error=why)
        return why or self._forgetful

    def _send(self, waiting, numbers):
        """Empty, or why not all of these could be sent."""
        why = ""
        while numbers:
            number = numbers.pop(0)
            try:
                parts, live = self._read(waiting, number)
                self._service.tell(parts, live)
            except FileNotFoundError:
                continue  # root made room at this moment: a gap, which is counted
            except (spool.Cut, document.NoReport) as error:
                self._say("set aside: %s" % error)
                self._aside.append("cut")
                if "refused" not in self._aside:
                    self._settle(number)
            except Refused as error:
                why = str(error)
                self._aside.append("refused")
                numbers = numbers[-1:] if self._aside.count("refused") >= MOST_REFUSED else numbers
            except Unsent as error:
                return str(error)
            else:
                why = ""
                self._settle(number, sent=1)
        return why

    @staticmethod
    def _read(waiting, number):
        about, text = waiting.read(number)
        parts = document.members(text)
        return parts, stamped(json.loads(parts["live"]), about, time.time(), spool.clock(), spool.boot())

    def _settle(self, number, sent=0):
        """Be done with all up to this one. Numbers that are missing in between were dropped."""
        known, refused = self._memory, self._aside.count("refused")
        if refused:
            self._say("set aside: %d reports before number %d, which the service refuses" % (refused, number))
        self._remember(
            done=number,
            sent_at=int(time.time()) if sent else known.sent_at,
            dropped=known.dropped + number - known.done - len(self._aside) - sent,
            cut=known.cut + self._aside.count("cut"),
            refused=known.refused + refused,
        )
        self._aside = []

    def _remember(self, **what):
        # A full disk is no reason to send nothing: what is sent twice changes nothing.
        self._memory = self._memory._replace(**what)
        try:
            memory.write(self._settings.memory, self._memory)
        except OSError as error:
            self._forgetful = "what was sent can't be remembered in %s, it will be sent again: %s" % (
                self._settings.memory,
                reason(error),
            )


@contextlib.contextmanager
def one_at_a_time(directory):
    """Raises `Unsent` while another one sends, and where the directory can't be used."""
    try:
        lock = os.open(os.path.join(directory, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unsent("%s can't be used: %s" % (directory, reason(error))) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Unsent("another one sends at this moment") from None
    finally:
        os.close(lock)


def reconciled(known, numbers):
    """What is remembered, for a spool with these numbers. Pure.

    Without a memory nothing is known of what was before, and a spool that was begun anew counts
    from one again: neither is a gap.
    """
    if numbers and (known == memory.NOTHING or known.done > numbers[-1]):
        return known._replace(done=numbers[0] - 1)
    return known


def pending(known, numbers):
    """The numbers that wait to be sent. Pure."""
    return [number for number in numbers if number > known.done]


def missing(known, numbers):
    """How many were dropped since the newest that is done. Pure."""
    waiting = pending(known, numbers)
    return waiting[-1] - known.done - len(waiting) if waiting else 0


def stamped(live, about, now, clock, boot):
    """`live` with the moment of sending. Pure; `now` in seconds since the epoch, `clock` since the boot.

    The service counts how old a report is as `sent` - `at`. Where the clock was set while the report
    waited, that would be wrong by as much: `at` is then told by the clock as it goes now.
    """
    at, set_by = _seconds(live.get("at")), _clock_set_by(about, now, clock, boot)
    if at is not None and abs(set_by) > _CLOCK_WAS_SET:
        live = dict(live, at=_iso(at + set_by))
    return dict(live, sent=_iso(now))


def _clock_set_by(about, now, clock, boot):
    """Seconds by which the clock was set since the report was kept; 0 where a boot lies between."""
    then = (about.get("time"), about.get("clock"))
    if about.get("boot") != boot or not all(isinstance(value, (int, float)) for value in then):
        return 0
    return (now - then[0]) - (clock - then[1])


def _seconds(text):
    try:
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except (TypeError, ValueError):
        return None


def _iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds % 1 * 1000)
