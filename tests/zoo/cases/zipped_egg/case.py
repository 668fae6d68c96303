"""Zipped eggs: on PYTHONPATH, and by easy_install's list in site-packages."""

import zipfile


def egg(keep, name, version):
    place = keep.home / "eggs" / f"{name}-{version}-py3.egg"
    place.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{name}.py", "")
        file.writestr("EGG-INFO/PKG-INFO", f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n")
        file.writestr("EGG-INFO/zip-safe", "\n")
    return place


def start(keep):
    ve = keep.venv("ve", "waitress")
    attire, coat = egg(keep, "attire", "1.2"), egg(keep, "coat", "3.0.1")
    packages = next(ve.glob("lib/*/site-packages"))
    (packages / "easy-install.pth").write_text(f"{coat}\n")
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        env={"PYTHONPATH": str(attire)},
        type="web",
        program="waitress",
        environment="uv",
    )
