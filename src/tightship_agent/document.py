"""The probe's report, taken apart and put together again without touching a byte of its state.

The digest is over the state's bytes as the probe printed them: reading and writing them anew as
JSON could change them. So every member keeps the text that it had.
"""

import json

SCHEMA = "tightship.report/1"
LARGEST = 16 * 1024 * 1024
"""Bytes of the largest report that the service takes in."""


class NoReport(Exception):
    """A text that is no report; says why."""


def members(text):
    """{name: its text} of a report. Raises `NoReport`."""
    try:
        found = dict(_walk(text))
        schema = json.loads(found.get("schema", "null"))
    except (ValueError, RecursionError) as error:
        raise NoReport("it is not JSON as the probe prints it: %s" % error) from None
    missing = [name for name in ("digest", "live", "state", "sets") if name not in found]
    if schema != SCHEMA or missing:
        raise NoReport("it is no whole %s" % SCHEMA)
    return found


def body(parts, live, with_state=False, sets=None):
    """The bytes to send: digest and `live` (a dict); the state, and the package sets, where asked for."""
    told = ['"schema":%s' % parts["schema"], '"digest":%s' % parts["digest"], '"live":%s' % _json(live)]
    if with_state:
        told.append('"state":%s' % parts["state"])
    if sets is not None:
        told.append('"sets":%s' % _json(sets))
    return ("{%s}" % ",".join(told)).encode("ascii")


def _walk(text):
    """(name, its value's text) of each member of the JSON object that `text` is."""
    decode = json.JSONDecoder().raw_decode
    at = _after(text, _space(text, 0), "{")
    while True:
        name, at = decode(text, at)
        start = _after(text, _space(text, at), ":")
        _value, at = decode(text, start)
        yield name, text[start:at]
        at = _space(text, at)
        if text[at : at + 1] == "}":
            break
        at = _after(text, at, ",")
    if _space(text, at + 1) != len(text):
        raise ValueError("something follows it")


def _after(text, at, mark):
    if text[at : at + 1] != mark:
        raise ValueError("expected %r at character %d" % (mark, at))
    return _space(text, at + 1)


def _space(text, at):
    while text[at : at + 1] in (" ", "\n", "\r", "\t"):
        at += 1
    return at


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def chosen_sets(parts, unknown):
    """The report's package sets that the service named as unknown; all where it named none of them."""
    sets = json.loads(parts["sets"])
    named = [name for name in unknown if isinstance(name, str)] if isinstance(unknown, list) else []
    return {name: sets[name] for name in named if name in sets} or sets
