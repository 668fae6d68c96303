"""A container with two applications, each on a port of the server that its engine hands on to it."""

from tests.zoo import containers

ROOT = True
NEEDS = ("podman", "runc")
BOTH = """
ve/bin/waitress-serve --listen=0.0.0.0:8000 telling:wsgi &
exec ve/bin/waitress-serve --listen=0.0.0.0:8001 second:app
"""


def start(keep):
    keep.venv("ve", "waitress")
    keep.write({"second.py": "import telling\n\napp = telling.wsgi\n", "both.sh": BOTH})
    port, other = keep.port(), keep.port()
    name = f"shop-{port}"
    published = ("-p", f"{port}:8000", "-p", f"127.0.0.1:{other}:8001")
    containers.run(keep, name, published, ["/bin/sh", keep.home / "both.sh"])
    for asked, address, inside in ((port, "0.0.0.0", 8000), (other, "127.0.0.1", 8001)):
        keep.expect(
            1,
            ask=asked,
            in_container=name,
            inside=True,
            alone=True,  # the first process of the container is one of them, and the other's parent
            type="web",
            container=name,
            listeners={("tcp", "0.0.0.0", inside), ("tcp", address, asked)},
        )
