"""gunicorn with everything in gunicorn.conf.py."""

CONFIG = """
bind = "127.0.0.1:%d"
workers = 2
wsgi_app = "shop.wsgi"
pythonpath = "%s/lib"
"""


def start(keep):
    keep.venv("ve", "gunicorn")
    port = keep.port()
    keep.write(
        {
            "gunicorn.conf.py": CONFIG % (port, keep.home),
            "shop/__init__.py": "",
            "shop/wsgi.py": "from telling import wsgi as application\n",
            "lib/nothing.py": "",
        }
    )
    keep.run(
        ["ve/bin/gunicorn"],
        ask=port,
        type="web",
        program="gunicorn",
        name="shop",
        workers=2,
        listeners={("tcp", "127.0.0.1", port)},  # not the socket by which gunicornc gives it orders
    )
