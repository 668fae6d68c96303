"""The rules by which a secret in a command line is told. Pure."""

import re

from tightship_probe.patterns import Pattern

MASK = "***"

_WORD = (
    r"(?:pass(?:word|wd|phrase)?|passw|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|key|auth|dsn"
    r"|credentials?|creds|cookie|signature)"
)
_NAMES_SECRET = Pattern(r"(?:^|[-_.])%s(?:$|[-_.\d])" % _WORD, re.I)
_ENDS_IN_SECRET = Pattern(r"[a-z0-9](?:password|passwd|passphrase|secret|token|apikey|credentials?)$", re.I)
# Files, modules and lengths of time are named after what they are for: `--token-file /run/x` tells no secret.
_HARMLESS = Pattern(
    r"(?:file|path|dir|directory|name|id|url|uri|header|expires?|expired|expiry|lifetime|ttl|age|backend|class"
    r"|module|type|length|size|method|prefix|provider|service|server|required|enabled?|disabled?|timeout|algorithm"
    r"|format|env|var|map|bindings)$",
    re.I,
)
# TLS servers are told the *file* that a key is in by just these.
_FILE_OPTIONS = frozenset(["keyfile", "key-file", "ssl-keyfile", "key", "ssl-key", "tls-key", "host-key"])
_ASSIGNED = Pattern(r"(?P<name>-{0,2}[A-Za-z_][\w.-]*)(?P<sep>[=:])(?P<value>.+)\Z", re.S)
_USERINFO = Pattern(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s'\"]*@")
_IN_QUERY = Pattern(r"(?P<name>[?&;](?:[\w.-]*[-_.])?%s=)[^&;\s'\"]+" % _WORD, re.I)
_BEARER = Pattern(r"\b(?P<kind>Bearer|Basic)\s+[A-Za-z0-9+/=_.~-]{8,}", re.I)
_IN_TEXT = Pattern(
    r"(?P<before>(?:(?<=[-_.])|\b)%s\b['\"]?\s*(?:=|:)\s*)(?P<quote>['\"]?)[^\s'\";,)]+" % _WORD,
    re.I,
)
_LONG_OPTION_IN_TEXT = Pattern(
    r"(?P<before>--(?:[\w.]+-)*%s\s+)(?P<quote>['\"]?)[^\s'\"-][^\s'\"]*" % _WORD, re.I
)
_SHORT_PASSWORD = {"mysql": "-p", "mysqldump": "-p", "sshpass": "-p", "redis-cli": "-a", "ldapsearch": "-w"}
"""Programs whose short option holds a password. In most others `-p` is a port."""


def masked_by_rules(argv):
    """The command line with what may be a secret replaced by `***`: rather too much than too little."""
    result, hide_next = [], False
    short = ""
    for argument in argv:
        short = _SHORT_PASSWORD.get(argument.rpartition("/")[2], short)
        if hide_next and not _is_option(argument):
            result.append(MASK)
            hide_next = False
        elif short and argument.startswith(short):
            result.append(short if argument == short else short + MASK)
            hide_next = argument == short
        else:
            hide_next = argument.startswith("-") and "=" not in argument and names_secret(argument, argument)
            result.append(_masked(argument))
    return result


def names_secret(name, option=""):
    """Whether an option or variable of this name holds a secret."""
    plain = name.strip("-")
    if _HARMLESS.search(plain) or (option.startswith("--") and plain.lower() in _FILE_OPTIONS):
        return False
    return _NAMES_SECRET.search(plain) is not None or _ENDS_IN_SECRET.search(plain) is not None


def _is_option(argument):
    # A secret may begin with a dash, but hardly with two, or with one and a letter alone.
    return argument.startswith("--") or (len(argument) == 2 and argument.startswith("-"))


def _masked(argument):
    assigned = _ASSIGNED.match(argument)
    if assigned and not assigned.group("value").startswith("//"):
        name = assigned.group("name")
        if names_secret(name, name):
            return name + assigned.group("sep") + MASK
    text = _USERINFO.sub(_without_password, argument)
    text = _IN_QUERY.sub(r"\g<name>" + MASK, text)
    text = _BEARER.sub(r"\g<kind> " + MASK, text)
    if " " in text or "\n" in text:  # a whole command, or code: assignments in the middle
        text = _IN_TEXT.sub(r"\g<before>\g<quote>" + MASK, text)
        text = _LONG_OPTION_IN_TEXT.sub(r"\g<before>\g<quote>" + MASK, text)
    return text


def _without_password(match):
    # The user's name goes too: some services take a token for one.
    return match.group("before") + MASK + "@"
