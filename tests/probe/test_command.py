"""What a Python command line says: what runs, as what, and which module it was told to run."""

from __future__ import annotations

import pytest

from tightship_probe.command import understood
from tightship_probe.masking import masked

VENV = "/srv/shop/venv/bin/"

CASES = [
    # command line, program, type, target, subcommand
    (["python", VENV + "gunicorn", "--workers", "2", "shop.wsgi"], "gunicorn", "web", "shop.wsgi", ""),
    (
        ["python", VENV + "gunicorn", "shop.wsgi:application", "-b", ":8000"],
        "gunicorn",
        "web",
        "shop.wsgi",
        "",
    ),
    (["python", VENV + "gunicorn", "shop.wsgi", "-b", ":8000"], "gunicorn", "web", "shop.wsgi", ""),
    (["python", VENV + "gunicorn", "-c", "conf.py", "shop:make_app()"], "gunicorn", "web", "shop", ""),
    (["python", VENV + "gunicorn", "--bind", "unix:run.sock", "-k", "gevent"], "gunicorn", "web", "", ""),
    (["gunicorn: master [shop.wsgi:application]"], "gunicorn", "web", "shop.wsgi", ""),
    (["gunicorn: worker [shop]"], "gunicorn", "web", "shop", ""),
    (["python3", "-m", "uvicorn", "shop.asgi:app", "--port", "80"], "uvicorn", "web", "shop.asgi", ""),
    (["python3", "-Im", "uvicorn", "shop.asgi:app"], "uvicorn", "web", "shop.asgi", ""),
    (["python3", VENV + "hypercorn", "shop:app"], "hypercorn", "web", "shop", ""),
    (["python3", VENV + "granian", "--interface", "wsgi", "shop:app"], "granian", "web", "shop", ""),
    (["python3", VENV + "waitress-serve", "--listen=*:80", "shop:app"], "waitress", "web", "shop", ""),
    (["python3", VENV + "waitress-serve", "--call", "shop:make"], "waitress", "web", "shop", ""),
    (
        ["python3", VENV + "celery", "-A", "shop", "worker", "-l", "info"],
        "celery",
        "worker",
        "shop",
        "worker",
    ),
    (["python3", VENV + "celery", "--app=shop.celery:app", "beat"], "celery", "beat", "shop.celery", "beat"),
    (["python3", VENV + "celery", "-A", "shop", "worker", "-B"], "celery", "worker", "shop", "worker"),
    (["python3", VENV + "celery", "-A", "shop", "inspect", "active"], "celery", "other", "shop", ""),
    (
        ["[celeryd: celery@vm:MainProcess] -active- (-A shop worker -c 2)"],
        "celery",
        "worker",
        "shop",
        "worker",
    ),
    (["[celery beat] (-A shop beat)"], "celery", "beat", "shop", "beat"),
    (["python3", VENV + "rq", "worker", "high"], "rq", "worker", "", "worker"),
    (["python3", VENV + "rq", "info"], "rq", "other", "", ""),
    (["python3", VENV + "dramatiq", "shop.tasks"], "dramatiq", "worker", "shop.tasks", ""),
    (["python3", VENV + "huey_consumer.py", "shop.huey"], "huey", "worker", "shop.huey", ""),
    (["python3", VENV + "arq", "shop.tasks.Settings"], "arq", "worker", "shop.tasks.Settings", ""),
    (["python", "manage.py", "runserver", "8001"], "django", "web", "", "runserver"),
    (["python", "manage.py", "rqworker"], "django", "worker", "", "rqworker"),
    (["python", "manage.py", "import_stock", "--all"], "django", "other", "", "import_stock"),
    (["python", VENV + "flask", "--app", "shop.web:app", "run"], "flask", "web", "shop.web", "run"),
    (["python", VENV + "flask", "--app", "shop", "db", "upgrade"], "flask", "other", "shop", ""),
    (["python", "-u", "-W", "ignore", "worker.py", "--all"], "worker", "other", "", ""),
    (["python", "-m", "shop"], "shop", "other", "", ""),
    (["python", "-c", "import shop"], "python", "other", "", ""),
    (["python"], "python", "other", "", ""),
]


@pytest.mark.parametrize(("argv", "program", "kind", "target", "subcommand"), CASES)
def test_a_command_line_is_understood(argv, program, kind, target, subcommand) -> None:
    found = understood(argv)
    assert (found.program, found.type, found.target, found.subcommand) == (program, kind, target, subcommand)


def test_the_interpreters_own_options_are_told_from_the_scripts() -> None:
    found = understood(["python", "-IE", "-X", "dev", "-W", "error", "run.py", "-I", "x"])
    assert (found.flags, found.script, found.arguments) == ("IE", "run.py", ["-I", "x"])


def test_a_letter_behind_c_or_m_is_no_flag() -> None:
    assert understood(["python", "-Ecimport shop"]).flags == "E"
    assert understood(["python", "-Emshop"]).module == "shop"


def test_an_empty_command_line_is_not_known_rather_than_an_interactive_session() -> None:
    assert understood([], "/usr/bin/python3.11").rewritten
    assert not understood([], "/usr/bin/python3.11").interactive
    assert understood(["python3"]).interactive


MASKED = [
    (["x", "--password=hunter2"], ["x", "--password=***"]),
    (["x", "--password", "hunter2", "y"], ["x", "--password", "***", "y"]),
    (["x", "--db-password", "-hunter2"], ["x", "--db-password", "***"]),
    (["x", "--token", "abc", "--port", "80"], ["x", "--token", "***", "--port", "80"]),
    (["x", "--api-key=abc"], ["x", "--api-key=***"]),
    (["x", "--access_token=abc"], ["x", "--access_token=***"]),
    (["x", "--sentry-dsn=https://abc@sentry.example/1"], ["x", "--sentry-dsn=***"]),
    (["env", "SECRET_KEY=abc", "NAME_SECRET=x"], ["env", "SECRET_KEY=***", "NAME_SECRET=***"]),
    (["env", "DB_PASSWORD=a=b", "MYTOKEN=c"], ["env", "DB_PASSWORD=***", "MYTOKEN=***"]),
    (["x", "redis://:pw@host:6379/0"], ["x", "redis://***@host:6379/0"]),
    (["x", "--broker=amqp://shop:p@ss@host//"], ["x", "--broker=amqp://***@host//"]),
    (["x", "https://h/hook?token=abc&x=1"], ["x", "https://h/hook?token=***&x=1"]),
    (["x", "-H", "Authorization: Bearer abcdefghijk"], ["x", "-H", "Authorization: Bearer ***"]),
    (["mysql", "-phunter2", "shop"], ["mysql", "-p***", "shop"]),
    (["sh", "-c", "cd x; PASSWORD=a run --token b"], ["sh", "-c", "cd x; PASSWORD=*** run --token ***"]),
    (
        ["python", "-c", "connect(password='a', port=80)"],
        ["python", "-c", "connect(password='***', port=80)"],
    ),
]

NOT_MASKED = [
    ["gunicorn", "-p", "/run/shop.pid", "-b", "0.0.0.0:8000", "shop.wsgi"],
    ["x", "--token-file", "/run/token", "--password-file=/run/password"],
    ["x", "--keyfile", "/etc/ssl/shop.key", "--ssl-keyfile=/etc/ssl/shop.key", "--keep-alive", "5"],
    ["x", "--author", "me", "--monkey", "george", "--keyword=a", "--passive", "--tokenizer=fast"],
    ["x", "--secret-name=shop", "--auth-backend", "shop.auth", "--token-lifetime=60"],
    ["x", "http://host/path@2", "git+https://host/shop@2.4.1", "me@example.com"],
    ["python", "manage.py", "runserver", "0.0.0.0:8000"],
    ["x", "--password", "--verbose"],
]


@pytest.mark.parametrize(("argv", "wanted"), MASKED)
def test_a_secret_does_not_leave_the_server(argv: list[str], wanted: list[str]) -> None:
    assert masked(argv) == wanted


@pytest.mark.parametrize("argv", NOT_MASKED)
def test_what_is_no_secret_stays_readable(argv: list[str]) -> None:
    assert masked(argv) == argv
