"""Django's settings for the web process: the store's, and what answering HTTP adds."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import django_htmx

from tightship.store import settings as _store
from tightship.store.settings import *  # noqa: F403  (this is how Django's settings are extended)

INSTALLED_APPS = [*_store.INSTALLED_APPS, "django.contrib.staticfiles", "tightship.web"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tightship.web.headers.Headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tightship.web.access.Door",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "tightship.web.urls"
WSGI_APPLICATION = "tightship.web.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "tightship.web.simulated.simulated",
            ]
        },
    }
]

LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"

# Static files are served from where they are installed: nothing is collected, nothing written.
STATIC_URL = "/static/"
STATICFILES_DIRS = [("django_htmx", Path(django_htmx.__file__).parent / "static" / "django_htmx")]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = int(timedelta(days=365).total_seconds())
"""Their addresses change with their content."""

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "tightship_session"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "tightship_csrf"
CSRF_FAILURE_VIEW = "tightship.web.problems.csrf_failed"

if os.environ.get("TIGHTSHIP_HTTPS") == "1":
    # A web server in front speaks TLS, and sets this header itself. Without it a browser's
    # `Origin: https://...` is not ours, and every form is refused.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

TRUSTED_PROXIES = frozenset(
    name.strip()
    for name in os.environ.get(
        "TIGHTSHIP_TRUSTED_PROXIES", "127.0.0.1,::1" if os.environ.get("TIGHTSHIP_HTTPS") == "1" else ""
    ).split(",")
    if name.strip()
)
"""Whose word is taken for where a request comes from. Else all of them would be one, behind a web server."""

SECURE_CONTENT_TYPE_NOSNIFF = True
# Not `no-referrer`: with it browsers send `Origin: null` with our own forms, which are then refused.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
