"""gunicorn under titles (setproctitle wipes command line and variables)."""


def start(keep):
    keep.venv("ve", "gunicorn", "setproctitle")
    keep.write({"shop/__init__.py": "", "shop/wsgi.py": "from telling import wsgi as application\n"})
    port = keep.port()
    keep.run(
        ["ve/bin/gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "shop.wsgi"],
        ask=port,
        type="web",
        program="gunicorn",
        workers=2,
        name="shop",
        listeners={("tcp", "127.0.0.1", port)},  # not the socket by which gunicornc gives it orders
        unread="environment variables were wiped",
    )
