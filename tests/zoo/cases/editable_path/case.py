"""A project installed as editable, by a path."""

PROJECT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n[project]\nname = "shop"\nversion = "2.4.1"\n'


def start(keep):
    venv = keep.venv("ve", "waitress")
    keep.write({"src/pyproject.toml": PROJECT, "src/shop/__init__.py": "from telling import wsgi\n"})
    keep.install(venv, "-e", f"{keep.home}/src")
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"], ask=port, name="shop", release="2.4.1")
