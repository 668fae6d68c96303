"""Debian's uWSGI behind its own http router, everything on its command line, under titles."""

NEEDS = ("uwsgi",)


def start(keep):
    keep.venv("ve", "six")
    port = keep.port()
    keep.write({"shop.py": "from telling import wsgi as application\n"})
    keep.run(
        [
            *("/usr/bin/uwsgi", "--plugins", "http,python3", "--master", "--auto-procname"),
            *("--http", f"127.0.0.1:{port}", "--virtualenv", f"{keep.home}/ve", "--wsgi-file", "shop.py"),
        ],
        ask=port,
        type="web",
        program="uwsgi",
        environment="uv",
    )
