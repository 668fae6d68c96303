"""A program frozen by PyInstaller into a directory, with the metadata of one package."""

SOAK = True


def start(keep):
    keep.venv("tools", "pyinstaller", "waitress", made_by="venv")
    keep.write({"shop.py": "import sys, telling, waitress\nwaitress.serve(telling.wsgi, listen=sys.argv[1])\n"})
    # What the environment of PyInstaller itself needs is not the application's.
    without = ["--exclude-module", "setuptools", "--exclude-module", "pkg_resources"]
    options = ["--onedir", "--log-level", "ERROR", "--copy-metadata", "waitress", *without]
    keep.call(["tools/bin/pyinstaller", *options, "shop.py"])
    port = keep.port()
    keep.run(
        ["dist/shop/shop", f"127.0.0.1:{port}"],
        ask=port,
        type="web",
        program="shop",
        environment="frozen",
        unread="frozen, versions known only of the packages that brought their metadata",
        skip=("python",),
    )
