"""A program frozen by PyInstaller into a directory, with the metadata of one package."""

SOAK = True


def start(keep):
    keep.venv("tools", "pyinstaller", "waitress", made_by="venv")
    port = keep.port()
    serve = f"import telling, waitress\nwaitress.serve(telling.wsgi, listen='127.0.0.1:{port}')\n"
    keep.write({"shop.py": serve})
    keep.call(
        ["tools/bin/pyinstaller", "--onedir", "--log-level", "ERROR", "--copy-metadata", "waitress", "shop.py"]
    )
    keep.run(
        ["dist/shop/shop"],
        ask=port,
        type="web",
        program="shop",
        environment="frozen",
        unread="frozen, versions known only of the packages that brought their metadata",
        skip=("python",),
    )
