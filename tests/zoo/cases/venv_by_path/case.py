"""A venv whose interpreter is found on PATH."""


def start(keep):
    keep.venv("ve", "waitress")
    port = keep.port()
    keep.run(
        ["python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        env={"PATH": f"{keep.home}/ve/bin:/usr/bin:/bin"},
        popen={"executable": str(keep.home / "ve/bin/python")},
        ask=port,
        type="web",
    )
