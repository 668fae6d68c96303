"""`agent.pyz probe|send|status`: what the two services of the agent run, and what says how it goes."""

import json
import random
import signal
import sys
import time

import tightship_agent
from tightship_agent import probing, sending, service, spool, status
from tightship_agent import settings as settings_
from tightship_agent.words import reason

USAGE = (
    """usage: agent.pyz probe|send|status [--settings FILE] [--spread SECONDS] [--version] [--help]

  probe    as root: read this server, keep the report in the spool; opens no connection
  send     as the sender's own user: send what is in the spool, the oldest first
  status   as either: what was sent, waits and was lost, as JSON

  --settings FILE   instead of %s
  --spread SECONDS  of send: wait first, by chance up to so long, where no timer spreads it
  --version         print the version and exit

Exits with 0: done; 1: not all could be done, what waits is tried again by the next run;
2: usage or settings.
"""
    % settings_.FILE
)

DONE, NOT_ALL, CANNOT = 0, 1, 2
MOST_SECONDS = 600
"""For one run of the sender: a service that answers a byte a minute must not hold it for ever."""

VERBS = ("probe", "send", "status")


class Usage(Exception):
    """What was typed can't be understood."""


def main(arguments=None):
    try:
        verb, path, spread = _asked(list(sys.argv[1:] if arguments is None else arguments))
        if verb is None:
            return DONE
        settings = settings_.load(path)
        return {"probe": _probe, "send": _send, "status": _status}[verb](settings, spread)
    except (Usage, settings_.BadSetting) as error:
        _say(str(error))
        return CANNOT
    except OSError as error:
        _say("%s: %s" % (error.filename or "the spool", reason(error)))
        return NOT_ALL


def _probe(settings, _spread):
    try:
        number = probing.keep(settings, _say)
    except probing.NoReportMade as error:
        _say(str(error))
        return NOT_ALL
    except spool.SpoolError as error:
        _say(str(error))
        return CANNOT
    _say("report %d is in the spool" % number)
    return DONE


def _send(settings, spread):
    token = settings_.token(settings.token)
    time.sleep(random.uniform(0, spread))  # noqa: S311 - nobody gains by guessing it
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(MOST_SECONDS)
    try:
        sender = sending.Sender(settings, token, _say)
        why = sender.run()
    except spool.SpoolError as error:
        _say(str(error))
        return CANNOT
    except service.Unsent as error:
        why = str(error)
    _say(why or "all is sent")
    return NOT_ALL if why else DONE


def _late(_number, _frame):
    raise service.Unsent("it took longer than %d seconds; the next run goes on from there" % MOST_SECONDS)


def _status(settings, _spread):
    sys.stdout.write(json.dumps(status.told(settings), indent=2, sort_keys=True) + "\n")
    return DONE


def _asked(arguments):
    """(verb, settings file, seconds); the verb None: it was answered already. Raises `Usage`."""
    verb, path, spread = None, settings_.FILE, 0
    while arguments:
        argument = arguments.pop(0)
        if argument in ("-h", "--help"):
            sys.stdout.write(USAGE)
            return None, path, spread
        if argument == "--version":
            sys.stdout.write("tightship-agent %s\n" % tightship_agent.__version__)
            return None, path, spread
        if argument in ("--settings", "--spread") and arguments:
            value = arguments.pop(0)
            path, spread = (value, spread) if argument == "--settings" else (path, _seconds(value))
        elif argument in VERBS and verb is None:
            verb = argument
        else:
            raise Usage("%r was not understood; see --help" % argument)
    if verb is None:
        raise Usage("say probe, send or status; see --help")
    return verb, path, spread


def _seconds(text):
    if not (text.isdigit() and len(text) < 6):
        raise Usage("--spread: expected seconds, got %r" % text)
    return int(text)


def _say(text):
    sys.stderr.write("tightship-agent: %s\n" % text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
