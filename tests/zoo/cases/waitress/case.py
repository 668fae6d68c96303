"""waitress."""


def start(keep):
    keep.venv("ve", "waitress")
    keep.write({"shop/__init__.py": "", "shop/serving.py": "from telling import asgi, wsgi\n\n\ndef make():\n    return asgi\n"})
    port = keep.port()
    keep.run(
        ["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop.serving:wsgi"],
        ask=port,
        type="web",
        name="shop",
        program="waitress",
    )
