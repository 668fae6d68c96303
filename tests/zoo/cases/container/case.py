"""A container by podman: the same path on the server holds other versions; its name stands in the key."""

from tests.zoo import containers

ROOT = True
NEEDS = ("podman", "runc")


def start(keep):
    keep.venv("ve", "waitress")
    keep.install(keep.home / "ve", "six==1.16.0")
    keep.venv("inside", "waitress")
    keep.install(keep.home / "inside", "six==1.17.0")
    for script in (keep.home / "inside/bin").iterdir():
        if script.is_file() and not script.is_symlink():
            script.write_text(script.read_text().replace("/inside/", "/ve/"))
    keep.write({"inside.py": "import telling\nfrom telling import wsgi\ntelling.leave('told.json', 1.0)\n"})
    port = keep.port()
    name = f"shop-{port}"
    containers.run(
        keep,
        name,
        ("--network", "host", "-v", f"{keep.home}/inside:{keep.home}/ve:ro"),
        [keep.home / "ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "inside:wsgi"],
    )
    keep.expect(1, in_container=name, told="told.json", type="web", container=name)
