"""Debian's uWSGI, its environment, module and path in an ini file."""

NEEDS = ("uwsgi",)
INI = """
[uwsgi]
plugin = python3
master = true
workers = 2
http-socket = 127.0.0.1:%d
chdir = %%d
home = %%d/ve
pythonpath = %%d/lib
module = shop.wsgi
"""


def start(keep):
    keep.venv("ve", "six")
    port = keep.port()
    keep.write(
        {
            "uwsgi.ini": INI % port,
            "shop/__init__.py": "",
            "shop/wsgi.py": "from telling import wsgi as application\n",
            "lib/nothing.py": "",
        }
    )
    keep.run(
        ["/usr/bin/uwsgi", "--ini", "uwsgi.ini"],
        ask=port,
        type="web",
        program="uwsgi",
        name="shop",
        workers=2,
        environment="uv",
    )
