"""gunicorn with two workers."""


def start(keep):
    keep.venv("ve", "gunicorn")
    port = keep.port()
    keep.run(
        ["ve/bin/gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        type="web",
        program="gunicorn",
        workers=2,
        environment="uv",
        listeners={("tcp", "127.0.0.1", port)},  # not the socket by which gunicornc gives it orders
    )
