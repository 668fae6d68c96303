"""A process in mount, pid and network namespaces of its own: the same path holds other versions there."""

ROOT = True
NEEDS = ("unshare",)
SCRIPT = """
mount --bind %(home)s/inside %(home)s/ve
ip link set lo up 2>/dev/null
exec setpriv --reuid %(uid)d --regid %(uid)d --clear-groups %(home)s/ve/bin/waitress-serve --listen=127.0.0.1:%(port)d inside:wsgi
"""


def start(keep):
    from tests.applications import uid

    keep.venv("ve", "waitress")
    keep.install(keep.home / "ve", "six==1.16.0")
    keep.venv("inside", "waitress")
    keep.install(keep.home / "inside", "six==1.17.0")
    # A venv is where its scripts say: the one inside is seen at the other's place.
    for script in (keep.home / "inside/bin").iterdir():
        if script.is_file() and not script.is_symlink():
            script.write_text(script.read_text().replace("/inside/", "/ve/"))
    port = keep.port()
    keep.write({"inside.py": "import telling\nfrom telling import wsgi\ntelling.leave('told.json', 1.0)\n"})
    script = SCRIPT % {"home": keep.home, "uid": uid(), "port": port}
    above = keep.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "sh", "-c", script],
        popen={"user": 0, "group": 0},
        kind=None,
        told="told.json",
    )
    keep.living.pop()
    keep.expect(above.pid, inside=True, told="told.json", type="web")
