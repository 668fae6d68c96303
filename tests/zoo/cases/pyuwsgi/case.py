"""pyuwsgi: uWSGI from a wheel, in its own environment, with an ini file."""

INI = """
[uwsgi]
master = true
workers = 2
http-socket = 127.0.0.1:%d
module = shop.wsgi
pythonpath = %%d/lib
"""


def start(keep):
    keep.venv("ve", "six", "pyuwsgi")
    port = keep.port()
    keep.write(
        {
            "shop.ini": INI % port,
            "shop/__init__.py": "",
            "shop/wsgi.py": "from telling import wsgi as application\n",
            "lib/nothing.py": "",
        }
    )
    keep.run(
        ["ve/bin/pyuwsgi", "--ini", "shop.ini"],
        ask=port,
        type="web",
        program="uwsgi",
        name="shop",
        workers=2,
        environment="uv",
    )
