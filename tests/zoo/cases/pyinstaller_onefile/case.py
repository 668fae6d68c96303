"""A program frozen by PyInstaller into one file: it unpacks itself, and is two processes."""

SOAK = True


def start(keep):
    keep.venv("tools", "pyinstaller", made_by="venv")
    keep.write({"shop.py": "import telling\ntelling.leave('told.json')\nimport time\ntime.sleep(3600)\n"})
    keep.call(["tools/bin/pyinstaller", "--onefile", "--log-level", "ERROR", "shop.py"])
    keep.run(
        ["dist/shop"],
        told="told.json",
        below=True,
        program="shop",
        environment="frozen",
        unread="frozen, versions unknown",
        skip=("path", "packages", "python"),
    )
