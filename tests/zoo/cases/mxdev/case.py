"""A venv with a checkout that mxdev made, installed editable by the requirements that it wrote."""

SETUP = """
from setuptools import setup
setup(name="shopping", version="1.7.0", py_modules=["shopping"])
"""
INI = """
[settings]
requirements-in = requirements.txt
default-target = sources

[shopping]
url = {repository}
branch = main
"""


def start(keep):
    repository = keep.home / "repository"
    keep.write(
        {
            "repository/setup.py": SETUP,
            "repository/shopping.py": "from telling import wsgi\n",
            "shop/mx.ini": INI.format(repository=repository),
            "shop/requirements.txt": "shopping\n",
        }
    )
    keep.git("init", "-q", "-b", "main", cwd=repository)
    keep.git("add", ".", cwd=repository)
    keep.git("commit", "-q", "-m", "first", cwd=repository)
    top = keep.home / "shop"
    tools = keep.venv("tools")
    keep.install(tools, "mxdev==5.4.1")
    venv = keep.venv("shop/ve", "waitress", "pip", "setuptools", "wheel")
    keep.call([tools / "bin/mxdev", "-c", "mx.ini"], cwd=top)
    keep.call(
        [venv / "bin/pip", "install", "-q", "--no-build-isolation", "-r", "requirements-mxdev.txt"], cwd=top
    )
    (top / "telling.py").write_text((keep.home / "telling.py").read_text())
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "shopping:wsgi"],
        cwd=top,
        ask=port,
        type="web",
        program="waitress",
        base=str(top),
    )
