"""A zipapp with packages and their metadata in it, without a suffix."""

import shutil


def start(keep):
    keep.venv("ve", "waitress")
    packages = next((keep.home / "ve").glob("lib/*/site-packages"))
    shutil.copytree(packages, keep.home / "app")
    keep.write({"app/telling.py": (keep.home / "telling.py").read_text()})
    run = "import sys, telling, waitress\nwaitress.serve(telling.wsgi, listen=sys.argv[1])\n"
    keep.write({"app/__main__.py": run})
    keep.call([keep.python, "-m", "zipapp", "app", "-o", "shop", "-c", "-p", "/usr/bin/env python3"])
    port = keep.port()
    keep.run(
        [keep.python, "shop", f"127.0.0.1:{port}"],
        ask=port,
        type="web",
        program="shop",
        environment="zipapp",
    )
