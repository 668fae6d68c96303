"""uWSGI's emperor: each vassal is a process group of its own, the emperor is none."""

NEEDS = ("uwsgi",)
VASSAL = """
[uwsgi]
plugin = python3
master = true
http-socket = 127.0.0.1:{port}
chdir = {home}/{name}
pythonpath = {home}
{more}
module = wsgi
"""


def start(keep):
    keep.venv("shop/ve", "six")
    ports = {"shop": keep.port(), "blog": keep.port()}
    more = {"shop": f"home = {keep.home}/shop/ve", "blog": ""}
    for name, port in ports.items():
        keep.write(
            {
                f"vassals/{name}.ini": VASSAL.format(port=port, home=keep.home, name=name, more=more[name]),
                f"{name}/wsgi.py": "from telling import wsgi as application\n",
            }
        )
    emperor = keep.run(
        ["/usr/bin/uwsgi", "--emperor", "vassals"],
        ask=ports["shop"],
        below=True,
        type="web",
        program="uwsgi",
        name="shop",
        environment="uv",
    )
    keep.expect(
        emperor.pid,
        ask=ports["blog"],
        below=True,
        type="web",
        program="uwsgi",
        name="blog",
        environment="system",
    )
    keep.expect(
        emperor.pid, alone=True, kind="system", program="uwsgi-emperor", skip=("path", "packages", "python")
    )
