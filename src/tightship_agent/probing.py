"""What root does: runs the probe, and keeps its report in the spool. It opens no connection."""

import os
import subprocess
import sys

from tightship_agent import document, memory
from tightship_agent.spool import Spool
from tightship_agent.words import reason

SECONDS = 300
_VARIABLES = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class NoReportMade(Exception):
    """The probe gave no report, or it could not be kept; says why."""


def keep(settings, say):
    """One report of this server in the spool; its number. Raises `NoReportMade`, `SpoolError`."""
    with Spool(settings.spool) as spool:
        spool.begin()
        done = memory.read(settings.memory).done
        dropped = spool.prune(done, settings.reports, settings.megabytes * 1000000)
        text = _report(settings.probe or _beside())
        try:
            number, more = spool.put_somehow(text)
        except OSError as error:
            why = reason(error)
            raise NoReportMade("the report can't be kept in %s: %s" % (settings.spool, why)) from None
        dropped += more + spool.prune(done, settings.reports, settings.megabytes * 1000000)
    if dropped:
        say("dropped: the %d oldest reports, to make room" % dropped)
    return number


def _beside():
    """The probe that lies where this program lies."""
    return os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "probe.pyz")


def _report(probe):
    """What the probe prints; its complaints go to the log. Raises `NoReportMade`."""
    # Without -I a file of somebody's working directory would run as root; without -S those of site.
    command = [sys.executable, "-I", "-S", probe]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd="/",
            env=_VARIABLES,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoReportMade("the probe did not end within %d seconds" % SECONDS) from None
    if done.returncode != 0:
        raise NoReportMade("the probe %s ended with %d" % (probe, done.returncode))
    try:
        text = done.stdout.decode("ascii")
        document.members(text)
    except (UnicodeDecodeError, document.NoReport) as error:
        raise NoReportMade("the probe printed no report: %s" % error) from None
    if len(text) > document.LARGEST:
        raise NoReportMade(
            "the report has %d bytes; the service takes in no more than %d"
            % (
                len(text),
                document.LARGEST,
            )
        )
    return text
