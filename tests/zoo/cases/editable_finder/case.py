"""A project installed as editable, by setuptools' finder that maps its modules."""

PROJECT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n[project]\nname = "shop"\nversion = "2.4.1"\n\n[tool.setuptools.package-dir]\nshop = "code"\n'


def start(keep):
    venv = keep.venv("ve", "waitress")
    keep.write({"src/pyproject.toml": PROJECT, "src/code/__init__.py": "from telling import wsgi\n"})
    keep.install(venv, "-e", f"{keep.home}/src")
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"], ask=port, name="shop", release="2.4.1")
