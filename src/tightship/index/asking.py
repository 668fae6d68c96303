"""Asking one package index what it has of a package: by the Simple API, as JSON or as HTML.

Source: the "Simple repository API" of the Python packaging specifications (PEP 503, 691, 700).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import requests
from pypi_simple import ACCEPT_ANY, DistributionPackage, ProjectPage, UnsupportedContentTypeError
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.util.retry import Retry

from tightship import __version__
from tightship.fleet.files import File
from tightship.fleet.text import harmless
from tightship.index.configured import Configured, without_password
from tightship.index.files import AT_ONCE, NoAnswer, Said, Unreachable, version_of

LARGEST = 64 * 1024 * 1024
"""Bytes of what an index says of one package. The largest that are known have 30 MB."""

_AGAIN = Retry(
    connect=1,
    read=1,
    status=3,
    backoff_factor=0.5,
    status_forcelist=(429, 502, 503, 504),
    raise_on_status=False,
    allowed_methods=("GET",),
)


def session_for(how: Configured) -> requests.Session:
    """Connections to indexes: proxies, certificates, ~/.netrc, and keyring where a password is missing."""
    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=AT_ONCE, max_retries=_AGAIN)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update({"Accept": ACCEPT_ANY, "User-Agent": f"tightship/{__version__}"})
    if how.proxy:
        session.proxies = {"http": how.proxy, "https": how.proxy}
    if how.cert:
        session.verify = how.cert
    if how.client_cert:
        session.cert = how.client_cert
    return session


def ask(session: requests.Session, index: str, name: str, timeout: float, etag: str = "") -> Said:
    """What an index has of a package. Raises NoAnswer.

    `name`: PEP 503. `etag`: of the answer that is at hand already.
    """
    if urlsplit(index).scheme == "file":
        return Said(_of_folder(Path(url2pathname(unquote(urlsplit(index).path))) / name, name))
    try:
        with _asked(session, f"{index}/{name}/", timeout, etag) as response:
            if response.status_code == 404:
                return Said(())
            if response.status_code == 304:
                return Said((), etag, unchanged=True)
            if response.status_code >= 400:
                raise NoAnswer(f"{without_password(index)} answers {response.status_code} for {name}")
            files = _files(_page(response, name), name)
            return Said(files, response.headers.get("ETag", ""))
    except (requests.JSONDecodeError, UnsupportedContentTypeError, LookupError, TypeError) as error:
        raise _unusable(index, name, error) from None
    except requests.RequestException as error:
        raise Unreachable(f"{without_password(index)} can't be asked: {_why(error)}") from None
    except ValueError as error:
        raise _unusable(index, name, error) from None


def _unusable(index: str, name: str, error: Exception) -> NoAnswer:
    return NoAnswer(f"{without_password(index)} says nothing usable of {name}: {harmless(str(error))[:200]}")


def _asked(session: requests.Session, url: str, timeout: float, etag: str) -> requests.Response:
    headers = {"If-None-Match": etag} if etag else {}
    response = session.get(url, headers=headers, timeout=timeout, stream=True)
    if response.status_code != 401:
        return response
    known = from_keyring(url, urlsplit(url).username or "")
    if known is None:
        return response
    response.close()
    return session.get(url, headers=headers, timeout=timeout, stream=True, auth=HTTPBasicAuth(*known))


def from_keyring(url: str, user: str) -> tuple[str, str] | None:
    """User and password that the program `keyring` has for an index, as pip asks it."""
    for service in (without_password(url), urlsplit(url).hostname or ""):
        command = ["keyring", "--mode=creds", "--output=json", "get", service, *([user] if user else [])]
        try:
            done = subprocess.run(
                command, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False
            )
            said = json.loads(done.stdout) if done.returncode == 0 else {}
        except (OSError, subprocess.TimeoutExpired, ValueError):
            return None
        if isinstance(said, dict) and said.get("password"):
            return str(said.get("username") or user), str(said["password"])
    return None


def _page(response: requests.Response, name: str) -> ProjectPage:
    body = bytearray()
    for part in response.iter_content(256 * 1024):
        body += part
        if len(body) > LARGEST:
            raise ValueError(f"more than {LARGEST // 1024 // 1024} MB")
    response._content = bytes(body)  # noqa: SLF001 - read with a bound; requests has no other way to say so
    return ProjectPage.from_response(response, name)


def _files(page: ProjectPage, name: str) -> list[File]:
    found = (_file(one, name) for one in page.packages)
    return [one for one in found if one is not None]


def _file(one: DistributionPackage, name: str) -> File | None:
    version = version_of(one.filename, name)
    if version is None:
        return None
    yanked = (one.yanked_reason or "") if one.is_yanked else None
    return File(
        one.filename,
        version,
        one.url,
        one.digests.get("sha256", ""),
        one.size,
        (one.requires_python or "").strip(),
        harmless(yanked)[:200] if yanked is not None else None,
    )


def _of_folder(folder: Path, name: str) -> list[File]:
    """An index that stands on this machine, a folder for each package with a page in it."""
    try:
        html = (folder / "index.html").read_text(encoding="utf-8")
    except OSError:
        return []
    return _files(ProjectPage.from_html(name, html, base_url=folder.as_uri() + "/"), name)


def _why(error: BaseException) -> str:
    """The innermost reason: requests wraps what urllib3 wraps."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    if isinstance(inner, BaseException):
        return _why(inner)
    return harmless(str(error).rpartition(": ")[2] or type(error).__name__)[:200]
