"""A venv with a copy of the interpreter (`--copies`)."""


def start(keep):
    keep.venv("ve", "waitress", made_by="venv", options=["--copies", "--without-pip"])
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port, environment="venv"
    )
