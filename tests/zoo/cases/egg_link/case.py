"""A project developed by an old setuptools: an egg-link, and easy-install.pth."""


def start(keep):
    venv = keep.venv("ve", "waitress")
    site = next(venv.glob("lib/python3*/site-packages"))
    # As `setup.py develop` of setuptools 40 leaves it.
    keep.write(
        {
            "src/shop.py": "from telling import wsgi\n",
            "src/shop.egg-info/PKG-INFO": "Metadata-Version: 1.2\nName: shop\nVersion: 2.4.1\n",
        }
    )
    (site / "shop.egg-link").write_text(f"{keep.home}/src\n.")
    (site / "easy-install.pth").write_text(f"{keep.home}/src\n")
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"], ask=port, name="shop", release="2.4.1"
    )
