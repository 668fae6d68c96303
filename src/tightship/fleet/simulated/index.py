"""What the simulated index has: packages, and the days on which their versions came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tightship.fleet.report import Package, digest_of_set, package_line

DAYS = 60
"""How long the story is."""

_BEFORE = 120
"""Days before the story on which the first versions came out."""

_VERSIONS = """
amqp 5.2.0 5.3.1
annotated-types 0.6.0 0.7.0
anyio 4.6.2 4.8.0 4.9.0 4.11.0
asgiref 3.8.1 3.9.1
attrs 24.2.0 25.1.0 25.3.0
beautifulsoup4 4.12.3 4.13.4
billiard 4.2.0 4.2.1
blinker 1.8.2 1.9.0
boto3 1.35.99 1.37.38 1.40.1 1.40.61
botocore 1.35.99 1.37.38 1.40.1 1.40.61
celery 5.3.6 5.4.0 5.5.3
certifi 2024.8.30 2025.1.31 2025.4.26 2025.8.3
chardet 5.2.0
charset-normalizer 3.4.0 3.4.2 3.4.4
click 8.1.7 8.1.8 8.3.0
cryptography 43.0.3 44.0.2 45.0.5 46.0.3
defusedxml 0.7.1
django 5.2.4 5.2.6 5.2.7 5.2.8
django-filter 24.3 25.1 25.2
django-redis 5.4.0 6.0.0
djangorestframework 3.15.2 3.16.0 3.16.1
et-xmlfile 1.1.0 2.0.0
fastapi 0.115.12 0.116.1 0.118.0 0.120.4
flask 3.0.3 3.1.0 3.1.1 3.1.2
gunicorn 22.0.0 23.0.0
h11 0.14.0 0.16.0
httpcore 1.0.7 1.0.9
httptools 0.6.4 0.7.1
httpx 0.27.2 0.28.1
idna 3.10 3.11
itsdangerous 2.2.0
jinja2 3.1.4 3.1.5 3.1.6
kombu 5.4.2 5.5.4
lxml 5.3.0 5.4.0 6.0.2
markupsafe 2.1.5 3.0.2 3.0.3
numpy 2.1.3 2.2.6 2.3.4
openpyxl 3.1.5
packaging 24.2 25.0
pillow 11.0.0 11.2.1 11.3.0 12.0.0
prompt-toolkit 3.0.48 3.0.51
psycopg 3.2.3 3.2.9 3.2.12
psycopg-binary 3.2.3 3.2.9 3.2.12
pydantic 2.10.6 2.11.4 2.11.7 2.12.3
pydantic-core 2.27.2 2.33.2 2.41.4
pyjwt 2.9.0 2.10.1
python-dateutil 2.9.0
python-dotenv 1.0.1 1.1.0
pytz 2024.2 2025.2
pyyaml 6.0.2 6.0.3
redis 5.2.1 6.2.0 6.4.0
reportlab 4.2.5 4.4.1 4.4.4
requests 2.32.3 2.32.4 2.32.5
s3transfer 0.10.4 0.11.5 0.14.0
sentry-sdk 2.19.2 2.29.1 2.35.0 2.42.1
six 1.16.0 1.17.0
sniffio 1.3.1
sqlalchemy 2.0.36 2.0.41 2.0.44
sqlparse 0.5.1 0.5.3
starlette 0.46.2 0.47.2 0.48.0 0.49.1
typing-extensions 4.12.2 4.13.2 4.15.0
tzdata 2024.2 2025.2
urllib3 2.2.3 2.4.0 2.5.0
uvicorn 0.32.1 0.34.2 0.35.0 0.38.0
uvloop 0.21.0 0.22.1
vine 5.1.0
waitress 3.0.1 3.0.2
watchfiles 1.0.5 1.1.1
wcwidth 0.2.13 0.2.14
websockets 14.2 15.0.1
werkzeug 3.0.6 3.1.3
whitenoise 6.8.2 6.9.0 6.11.0
zope-interface 7.1.1 7.2
products-cmfplone 6.0.13 6.0.14 6.1.1
plone-api 2.4.0 2.5.1
plone-restapi 9.8.5 9.13.2 9.15.3
plone-volto 4.4.4 5.0.2
plone-app-contenttypes 3.0.6 3.0.9
zope 5.11 5.11.1 5.13
zodb 6.0 6.0.1
zeo 6.0.0 6.1
relstorage 4.1.0 4.1.1
acquisition 6.1 6.2
accesscontrol 7.2 7.2.1
persistent 6.1 6.1.1
btrees 6.1 6.1.1
restrictedpython 7.4 8.0
zc-buildout 3.3 4.1.12
"""
KNOWN: Mapping[str, tuple[str, ...]] = {
    words[0]: tuple(words[1:]) for words in map(str.split, _VERSIONS.strip().splitlines())
}

COMMON = "certifi charset-normalizer idna packaging requests sentry-sdk typing-extensions urllib3"
DJANGO = (
    f"{COMMON} asgiref django django-filter django-redis djangorestframework gunicorn jinja2 markupsafe "
    "pillow psycopg psycopg-binary pyjwt cryptography redis sqlparse whitenoise python-dateutil six"
)
CELERY = "amqp billiard celery click kombu prompt-toolkit tzdata vine wcwidth"
FASTAPI = (
    f"{COMMON} annotated-types anyio click fastapi h11 httpcore httptools httpx pydantic pydantic-core "
    "python-dotenv pyyaml sniffio sqlalchemy starlette uvicorn uvloop watchfiles websockets"
)
FLASK = f"{COMMON} blinker click flask itsdangerous jinja2 markupsafe sqlalchemy waitress werkzeug"
BATCH = f"{COMMON} {CELERY} boto3 botocore s3transfer numpy openpyxl et-xmlfile reportlab pillow lxml"
PLONE = (
    f"{COMMON} products-cmfplone plone-api plone-restapi plone-volto plone-app-contenttypes zope zodb zeo "
    "relstorage acquisition accesscontrol persistent btrees restrictedpython zope-interface lxml pillow "
    "beautifulsoup4 pytz python-dateutil six waitress zc-buildout attrs chardet defusedxml"
)


def newest(package: str, day: float) -> str:
    """The newest version of a package on a day of the story."""
    versions = KNOWN[package]
    step = (DAYS + _BEFORE) / len(versions)
    # Not all on one day: each package has its own.
    shift = sum(map(ord, package)) * 7 % DAYS
    number = int((day + _BEFORE + shift - DAYS) / step)
    return versions[max(0, min(number, len(versions) - 1))]


def installed(packages: str, day: float, held: Mapping[str, str] | None = None) -> dict[str, str]:
    """Package -> version, as an installation on a day gets them. `held`: pinned, whatever is newest."""
    held = held or {}
    return {name: held.get(name) or newest(name, day) for name in packages.split()}


def lines_of(versions: Mapping[str, str], more: Iterable[Package] = ()) -> tuple[str, tuple[Package, ...]]:
    """The digest of a package set, and its lines."""
    lines = sorted([*(Package(name, version) for name, version in versions.items()), *more])
    return digest_of_set(map(package_line, lines)), tuple(lines)
