"""A venv below a path with spaces and umlauts."""


def start(keep):
    # A script's first line can't hold a space: `python -m` it is.
    place = keep.venv("Köln süd/vé", "waitress")
    port = keep.port()
    keep.run(
        [place / "bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        type="web",
    )
