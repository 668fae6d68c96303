"""A program frozen by PyInstaller into one file: it unpacks itself, and is two processes."""

SOAK = True


def start(keep):
    keep.venv("tools", "pyinstaller", "waitress", made_by="venv")
    keep.write({"shop.py": "import sys, telling, waitress\nwaitress.serve(telling.wsgi, listen=sys.argv[1])\n"})
    keep.call(["tools/bin/pyinstaller", "--onefile", "--log-level", "ERROR", "shop.py"])
    port = keep.port()
    keep.run(
        ["dist/shop", f"127.0.0.1:{port}"],
        ask=port,
        type="web",
        program="shop",
        environment="frozen",
        unread="frozen, versions unknown",
        skip=("path", "packages", "python"),
    )
