"""uvicorn."""


def start(keep):
    keep.venv("ve", "uvicorn")
    keep.write({"shop/__init__.py": "", "shop/serving.py": "from telling import asgi, wsgi\n\n\ndef make():\n    return asgi\n"})
    port = keep.port()
    keep.run(
        ["ve/bin/uvicorn", "shop.serving:asgi", "--port", port],
        ask=port,
        type="web",
        name="shop",
        program="uvicorn",
    )
