"""gunicorn, and uvicorn, on a socket that was opened for them before they were started."""

NEEDS = ("systemd-socket-activate",)


def start(keep):
    keep.venv("ve", "gunicorn", "uvicorn")
    for command in (["gunicorn", "telling:wsgi"], ["uvicorn", "--fd", "3", "telling:asgi"]):
        port = keep.port()
        # It starts the command in its own place once somebody asks.
        given = ["-l", f"127.0.0.1:{port}", keep.home / "ve/bin" / command[0], *command[1:]]
        # Not the socket by which gunicornc gives orders to gunicorn.
        listeners = {("tcp", "127.0.0.1", port)}
        program = command[0]
        keep.run(["systemd-socket-activate", *given], ask=port, type="web", program=program, listeners=listeners)
