"""A project installed as editable, strictly: by a tree of links to the files that a wheel would hold."""

PROJECT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n[project]\nname = "shop"\nversion = "2.4.1"\n'


def start(keep):
    venv = keep.venv("ve", "waitress")
    keep.write({"src/pyproject.toml": PROJECT, "src/shop/__init__.py": "from telling import wsgi\n"})
    keep.install(venv, "--config-setting", "editable_mode=strict", "-e", f"{keep.home}/src")
    assert list((keep.home / "src/build").glob("__editable__.shop-2.4.1-*/shop/__init__.py"))
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"], ask=port, name="shop", release="2.4.1")
