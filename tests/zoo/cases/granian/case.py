"""granian with two workers."""


def start(keep):
    keep.venv("ve", "granian")
    keep.write({"shop/__init__.py": "", "shop/wsgi.py": "from telling import wsgi as application\n"})
    port = keep.port()
    keep.run(
        ["ve/bin/granian", "--interface", "wsgi", "--port", port, "--workers", "2", "shop.wsgi:application"],
        ask=port,
        type="web",
        program="granian",
        name="shop",
        workers=2,
    )
