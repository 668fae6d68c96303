"""A venv called through a `current` link to its release."""


def start(keep):
    keep.venv("releases/2.4.1/ve", "waitress")
    (keep.home / "current").symlink_to("releases/2.4.1")
    port = keep.port()
    keep.run(
        [keep.home / "current/ve/bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        type="web",
        environment="uv",
    )
