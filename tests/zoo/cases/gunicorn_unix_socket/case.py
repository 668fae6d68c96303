"""gunicorn on a unix socket only, told by --chdir and --pythonpath where the code is."""


def start(keep):
    keep.venv("ve", "gunicorn")
    keep.write({"code/shop/__init__.py": "", "code/shop/wsgi.py": "from telling import wsgi as application\n"})
    (keep.home / "lib").mkdir()
    (keep.home / "telling.py").rename(keep.home / "lib/telling.py")
    path = f"{keep.home}/shop.sock"
    keep.run(
        [*("ve/bin/gunicorn", "--chdir", f"{keep.home}/code", "--pythonpath", f"{keep.home}/lib"),
            "-b", f"unix:{path}", "shop.wsgi"],
        ask=path,
        type="web",
        program="gunicorn",
        name="shop",
        listeners={("unix", path, 0)},  # not the socket by which gunicornc gives it orders
    )
