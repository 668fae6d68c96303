"""A zipapp with nothing but modules in it, by a virtual environment's isolated interpreter."""


def start(keep):
    keep.venv("ve", "waitress")
    run = "import sys, telling, waitress\nwaitress.serve(telling.wsgi, listen=sys.argv[1])\n"
    keep.write({"app/__main__.py": run, "app/telling.py": (keep.home / "telling.py").read_text()})
    keep.call([keep.python, "-m", "zipapp", "app", "-o", "shop.pyz"])
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-I", "shop.pyz", f"127.0.0.1:{port}"],
        ask=port,
        type="web",
        program="shop.pyz",
        environment="zipapp",
    )
