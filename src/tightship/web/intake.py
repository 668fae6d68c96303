"""Taking in reports over HTTP: `POST /api/reports`. Design section 3, "The contract".

A server sends digest and live; 204 says that nothing changed and that it was recorded. 409 asks for
the state as well, 422 names package sets that are not known yet. Anything else says what is wrong,
stores nothing, and the next report goes in.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from tightship.fleet.report import LARGEST, Refused
from tightship.store.errors import StoreError
from tightship.store.recording import NeedSets, NeedState, record
from tightship.web.bearer import Refusal, reporter
from tightship.web.problems import busy, problem

CHUNK = 64 * 1024


class Unacceptable(Exception):
    """A request that is refused before its report is looked at."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@csrf_exempt
@login_not_required
def reports(request: HttpRequest) -> HttpResponse:
    """`POST /api/reports`, by a token that is bound to one server; or `?server=NAME`, by one that gathers."""
    if request.method != "POST":
        response = problem(405, "Reports are taken in by POST.")
        response["Allow"] = "POST"
        return response
    try:
        server = reporter(request)
        return _recorded(server, body(request))
    except Refusal as refusal:
        return refusal.response()
    except Unacceptable as error:
        return problem(error.status, error.why)
    except StoreError as error:
        return busy(error)


def _recorded(server: str, document: bytes) -> HttpResponse:
    try:
        record(document, server)
    except Refused as error:
        return problem(400, str(error))
    except NeedState:
        return problem(409, "The state is not the one that is known.", send="state")
    except NeedSets as error:
        return problem(422, str(error), unknown=list(error.digests))
    return HttpResponse(status=204)


def body(request: HttpRequest) -> bytes:
    """The report's bytes, unpacked; never more than LARGEST are held. Raises Unacceptable."""
    length = _length(request.META.get("CONTENT_LENGTH") or "")
    coding = (request.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise Unacceptable(415, f"Content-Encoding: expected gzip or none, got {coding[:40]!r}.")
    try:
        if coding == "gzip":
            return unpacked(_chunks(request, length))
        data = request.read(length)
    except (UnreadablePostError, OSError):
        raise Unacceptable(400, "The connection ended before the whole report was here.") from None
    if len(data) < length:
        raise Unacceptable(400, f"{length} bytes were announced, {len(data)} came.")
    return data


def _length(text: str) -> int:
    if not text:
        raise Unacceptable(411, "Content-Length: say how many bytes come.")
    if not (text.isascii() and text.isdigit()):
        raise Unacceptable(400, f"Content-Length: expected a number, got {text[:40]!r}.")
    if len(text) > 12 or int(text) > LARGEST:
        raise Unacceptable(413, f"A report is at most {LARGEST} bytes, {text[:20]} were announced.")
    return int(text)


def _chunks(request: HttpRequest, length: int) -> Iterator[bytes]:
    while length > 0:
        data = request.read(min(CHUNK, length))
        if not data:
            return
        length -= len(data)
        yield data


def unpacked(chunks: Iterator[bytes]) -> bytes:
    """What was gzipped. A few bytes can unpack to gigabytes: it stops at LARGEST. Raises Unacceptable."""
    gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    whole = bytearray()
    try:
        for chunk in chunks:
            whole += gzip.decompress(chunk, LARGEST + 1 - len(whole))
            if len(whole) > LARGEST or gzip.unconsumed_tail:
                raise Unacceptable(413, f"A report is at most {LARGEST} bytes, unpacked this one has more.")
    except zlib.error as error:
        raise Unacceptable(400, f"The gzip data is broken: {error}.") from None
    if not gzip.eof:
        raise Unacceptable(400, "The gzip data ends too early.")
    return bytes(whole)
