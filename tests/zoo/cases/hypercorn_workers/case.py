"""hypercorn with two workers."""


def start(keep):
    keep.venv("ve", "hypercorn")
    keep.write({"shop/__init__.py": "", "shop/serving.py": "from telling import asgi, wsgi\n\n\ndef make():\n    return asgi\n"})
    port = keep.port()
    keep.run(
        ["ve/bin/hypercorn", "-w", "2", "-b", f"127.0.0.1:{port}", "shop.serving:asgi"],
        ask=port,
        type="web",
        name="shop",
        program="hypercorn", workers=2,
    )
