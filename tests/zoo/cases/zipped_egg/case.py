"""A zipped egg, as easy_install put it beside easy-install.pth."""

import zipfile


def start(keep):
    venv = keep.venv("ve", "waitress")
    site = next(venv.glob("lib/python3*/site-packages"))
    egg = site / "shop-2.4.1-py3.11.egg"
    with zipfile.ZipFile(egg, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shop.py", "from telling import wsgi\n")
        archive.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.2\nName: shop\nVersion: 2.4.1\n")
        archive.writestr("EGG-INFO/zip-safe", "\n")
    (site / "easy-install.pth").write_text(f"./{egg.name}\n")
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"], ask=port, name="shop", release="2.4.1"
    )
