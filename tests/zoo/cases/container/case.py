"""A container by podman: the same path on the server holds other versions; its name stands in the key."""

import contextlib
import subprocess

ROOT = True
NEEDS = ("podman", "runc")
LINKS = ("bin", "sbin", "lib", "lib64")
LIMITS = ("--runtime", "runc", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


def start(keep):
    keep.venv("ve", "waitress")
    keep.install(keep.home / "ve", "six==1.16.0")
    keep.venv("inside", "waitress")
    keep.install(keep.home / "inside", "six==1.17.0")
    for script in (keep.home / "inside/bin").iterdir():
        if script.is_file() and not script.is_symlink():
            script.write_text(script.read_text().replace("/inside/", "/ve/"))
    root = keep.root / "container"
    for folder in ("usr", "tmp", "proc", "sys", "dev", "run", "srv", "etc", "var"):
        (root / folder).mkdir(parents=True)
    for link in LINKS:
        (root / link).symlink_to(f"usr/{link}")
    keep.write({"inside.py": "import telling\nfrom telling import wsgi\ntelling.leave('told.json', 1.0)\n"})
    port = keep.port()
    name = f"shop-{port}"
    keep.closing(removed(name))
    mounts = ("-v", "/usr:/usr:ro", "-v", f"{keep.home}:{keep.home}", "-v", f"{keep.home}/inside:{keep.home}/ve:ro")
    above = keep.run(
        [
            *("podman", "run", "--rm", "--name", name, "--network", "host", "--workdir", str(keep.home), *LIMITS),
            *(*mounts, "--rootfs", f"{root}:O", f"{keep.home}/ve/bin/waitress-serve"),
            *(f"--listen=127.0.0.1:{port}", "inside:wsgi"),
        ],
        popen={"user": 0, "group": 0},
        kind=None,
    )
    keep.living.remove(above)
    keep.expect(1, in_container=name, told="told.json", type="web", container=name)


@contextlib.contextmanager
def removed(name):
    yield
    subprocess.run(["podman", "rm", "--force", "--time", "0", name], capture_output=True, check=False)
