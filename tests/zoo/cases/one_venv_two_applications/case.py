"""Two applications in one venv."""


def start(keep):
    keep.venv("ve", "waitress")
    for name in ("shop", "stock"):
        keep.write({f"{name}.py": "from telling import wsgi\n"})
        port = keep.port()
        keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", f"{name}:wsgi"], ask=port, type="web", name=name)
