"""A venv that sees the system's packages (`--system-site-packages`)."""


def start(keep):
    keep.venv("ve", "waitress", made_by="venv", options=["--system-site-packages", "--without-pip"])
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port, environment="venv")
