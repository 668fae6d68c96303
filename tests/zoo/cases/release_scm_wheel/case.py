"""A wheel whose version setuptools-scm made of a commit."""

from tests.zoo.scm import made, version


def start(keep):
    venv = keep.venv("ve", "waitress")
    top = made(keep, "built/src")
    keep.uv("build", "--quiet", "--wheel", "--out-dir", "wheels", top.as_posix())
    # As from an index: there is no direct_url.json.
    keep.install(venv, "--find-links", "wheels", "--prerelease", "allow", "shop")
    short = version(keep).rpartition("+g")[2]
    assert keep.git("rev-parse", "HEAD", cwd=top).startswith(short)
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        ask=port,
        name="shop",
        release=version(keep),
        commit=short,
    )
