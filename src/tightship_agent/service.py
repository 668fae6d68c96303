"""One report, told to the service: `POST /api/reports`, asked only for what it does not have yet.

First the digest and what is live. 204: nothing else is needed. 409 asks for the state, 422 for package
sets, which it names. Whatever else comes is no promise that the report is there, so it stays here.
"""

import gzip
import http.client
import json
import socket
import ssl
import time

import tightship_agent
from tightship_agent import document
from tightship_agent.settings import BadSetting
from tightship_agent.words import plain, reason

PATH = "/api/reports"
SECONDS = 30
"""For each step on the network."""

_MOST_ANSWER = 1024 * 1024
_WORTH_PACKING = 400


class Unsent(Exception):
    """The report could not be told; says why. The next would not fare better."""


class Refused(Exception):
    """The service does not take in this very report; says why."""


class Service(object):
    """A connection to the service, kept open from report to report."""

    def __init__(self, settings, token):
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._headers = {
            "Authorization": "Bearer %s" % token,
            "Content-Type": "application/json",
            "Accept": "application/problem+json",
            "User-Agent": "tightship-agent/%s" % tightship_agent.__version__,
        }
        # Made once: reading the authorities takes a while, and what is wrong with them is a setting.
        self._trust = trust(settings.ca) if settings.address.scheme == "https" else None
        self._connection = None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def tell(self, parts, live):
        """Until the service has it. `parts`: the report's members. Raises `Unsent`, `Refused`."""
        status, said = self._post(document.body(parts, live))
        if status == 409:
            status, said = self._post(document.body(parts, live, with_state=True))
        if status == 422:
            sets = document.chosen_sets(parts, said.get("unknown"))
            status, said = self._post(document.body(parts, live, with_state=True, sets=sets))
        if status in (409, 422):
            raise Unsent("%s asks for what it was sent: %s" % (self._url, said["detail"]))

    def _post(self, data):
        """(status, the problem that it names) of one request: 204, 409 or 422. Raises `Unsent`, `Refused`."""
        headers = dict(self._headers)
        if len(data) > _WORTH_PACKING:
            data = gzip.compress(data, 6)
            headers["Content-Encoding"] = "gzip"
        try:
            answer, body = self._asked_anew(data, headers)
        except (OSError, ssl.CertificateError, http.client.HTTPException) as error:
            self.close()
            raise Unsent(unreachable(self._url, error, self._settings)) from None
        if answer.will_close or len(body) > _MOST_ANSWER:
            self.close()
        if answer.status == 204:
            return 204, {}
        return answer.status, understood(self._url, answer.status, answer.headers, body)

    def _asked_anew(self, data, headers):
        was_open = self._connection is not None
        try:
            return self._asked(data, headers)
        except ConnectionError:
            if not was_open:
                raise
        # Whoever answers may hang up between two reports. Sent twice, a report changes nothing.
        self.close()
        return self._asked(data, headers)

    def _asked(self, data, headers):
        if self._connection is None:
            self._connection = connection(self._settings, self._trust)
        self._connection.request("POST", self._settings.address.path + PATH, data, headers)
        answer = self._connection.getresponse()
        body = answer.read(_MOST_ANSWER + 1)
        if answer.length and len(body) <= _MOST_ANSWER:
            raise http.client.IncompleteRead(body)
        return answer, body


def connection(settings, context):
    """Not open yet. TLS is verified; a proxy only opens a tunnel, and can read nothing."""
    address, proxy = settings.address, settings.proxy
    if address.scheme == "http":
        return http.client.HTTPConnection(address.host, address.port, timeout=SECONDS)
    first = proxy or address
    made = http.client.HTTPSConnection(first.host, first.port, timeout=SECONDS, context=context)
    if proxy:
        made.set_tunnel(address.host, address.port)
    return made


def trust(ca):
    """The system's authorities, or those in the file `ca` and no others. Raises `BadSetting`."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else reason(error)
        raise BadSetting("ca: %s can't be used: %s" % (ca, why)) from None
    context.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1
    return context


def understood(url, status, headers, body):
    """What the service says with 409 or 422, as a dict with `detail`. Pure. Raises `Unsent`, `Refused`."""
    if 300 <= status < 400:
        to = plain(headers.get("Location") or "elsewhere")
        raise Unsent("%s leads on to %s; the token is not sent there: correct the url" % (url, to))
    said = problem(headers, body)
    if said is None:
        kind = plain(headers.get("Content-Type") or "nothing")
        raise Unsent(
            "%s answered %d and %s, not as Tightship does: is the url right, does a proxy or a login page "
            "stand in front of it?" % (url, status, kind)
        )
    why = plain(said["detail"])
    if status in (401, 403):
        raise Unsent("%s does not accept the token: %s" % (url, why))
    if status in (400, 413):
        raise Refused("%s refuses the report: %s" % (url, why))
    if status not in (409, 422):
        later = plain(headers.get("Retry-After") or "")
        raise Unsent("%s answered %d%s: %s" % (url, status, later and ", in %s s again" % later, why))
    return said


def problem(headers, body):
    """The problem+json of an answer, with its `detail`; None: it is something else. Pure."""
    if headers.get_content_type() != "application/problem+json":
        return None
    try:
        said = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and isinstance(said.get("detail"), str) else None


def unreachable(url, error, settings):
    """In words why nothing came back. Pure, but for this server's clock."""
    if isinstance(error, ssl.CertificateError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "%s shows a certificate that is not trusted: %s" % (url, _untrusted(error, settings))
    if isinstance(error, ssl.SSLError):
        return "%s does not speak TLS as expected: %s" % (url, plain(error.reason or error))
    if isinstance(error, socket.timeout):
        return "%s did not answer within %d seconds" % (url, SECONDS)
    if isinstance(error, http.client.IncompleteRead):
        return "%s: the answer was cut off" % url
    if isinstance(error, http.client.HTTPException):
        return "%s did not answer in HTTP: %s" % (url, plain(str(error) or type(error).__name__))
    return "%s can't be reached: %s" % (url, reason(error))


def _untrusted(error, settings):
    why = plain(getattr(error, "verify_message", "") or str(error))
    clock = "this server's clock says %s" % time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    if "expired" in why or "not yet valid" in why:
        return "%s (%s)" % (why, clock)
    if "mismatch" in why.lower() or "doesn't match" in why:
        return why
    trusted = "only %s is trusted" % settings.ca if settings.ca else "where its authority is your own, set ca"
    if not hasattr(error, "verify_message"):  # Python 3.6 doesn't tell the reason
        trusted += "; " + clock
    return "%s (%s)" % (why, trusted)
