"""PYTHONPATH puts another version of a package before that of the venv."""


def start(keep):
    keep.venv("ve", "waitress")
    keep.install(keep.home / "ve", "six==1.16.0")
    keep.uv("pip", "install", "--quiet", "--python", keep.python, "--target", f"{keep.home}/lib", "six==1.17.0")
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        env={"PYTHONPATH": f"lib:{keep.home}/not-there"},
        ask=port,
    )
