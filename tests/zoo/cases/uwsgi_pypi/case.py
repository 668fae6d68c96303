"""uWSGI compiled by pip into its own environment, `home` in its ini, behind its own http router."""

SOAK = True
INI = """
[uwsgi]
master = true
http = 127.0.0.1:%d
home = %%d/ve
chdir = %%d
module = shop.wsgi
"""


def start(keep):
    keep.venv("ve", "six", "uwsgi")
    port = keep.port()
    keep.write(
        {
            "shop.ini": INI % port,
            "shop/__init__.py": "",
            "shop/wsgi.py": "from telling import wsgi as application\n",
        }
    )
    keep.run(
        ["ve/bin/uwsgi", "shop.ini"],
        ask=port,
        type="web",
        program="uwsgi",
        name="shop",
        environment="uv",
    )
