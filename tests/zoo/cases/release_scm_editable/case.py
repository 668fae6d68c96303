"""A checkout installed as editable, whose version setuptools-scm made of it; then edited on the server."""

from tests.zoo.scm import made, version


def start(keep):
    venv = keep.venv("ve", "waitress")
    top = made(keep, "src")
    keep.install(venv, "-e", top.as_posix())
    (top / "shop/__init__.py").write_text("from telling import wsgi  # edited\n")
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        ask=port,
        name="shop",
        release=version(keep) + "+dirty",
        commit=keep.git("rev-parse", "HEAD", cwd=top),
    )
