"""A package installed from a git repository (PEP 610)."""

PROJECT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n[project]\nname = "shop"\nversion = "2.4.1"\n'


def start(keep):
    venv = keep.venv("ve", "waitress")
    keep.write({"repository/pyproject.toml": PROJECT, "repository/shop/__init__.py": "from telling import wsgi\n"})
    place = keep.home / "repository"
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "A shop"], ["tag", "2.4.1"]):
        keep.git(*words, cwd=place)
    keep.install(venv, f"git+file://{place}@2.4.1")
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        ask=port,
        name="shop",
        release="2.4.1",
        commit=keep.git("rev-parse", "2.4.1^{commit}", cwd=place),
    )
