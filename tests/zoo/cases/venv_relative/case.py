"""A venv whose interpreter is called by a relative path."""


def start(keep):
    keep.venv("ve", "waitress", made_by="venv", options=["--without-pip"])
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        type="web",
        program="waitress",
        environment="venv",
    )
