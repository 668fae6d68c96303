"""A wheel that PYTHONPATH names, imported without being installed."""

import zipfile


def start(keep):
    keep.venv("ve", "waitress")
    wheel = keep.home / "shop-2.4.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shop.py", "from telling import wsgi\n")
        archive.writestr("shop-2.4.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: shop\nVersion: 2.4.1\n")
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        env={"PYTHONPATH": str(wheel)},
        ask=port,
        name="shop",
        release="2.4.1",
    )
