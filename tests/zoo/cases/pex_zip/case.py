"""A pex: it unpacks itself, and starts anew from there."""


def start(keep):
    keep.venv("tools", "pex")
    keep.venv("ve", "waitress", "zope.component")
    keep.write({"shop/shop.py": "import telling\n\nserve = telling.wsgi\n"})
    options = ["--venv-repository", "ve", "-D", "shop", "-D", "told", "-m", "waitress", "-o", "shop.pex"]
    keep.write({"told/telling.py": (keep.home / "telling.py").read_text()})
    keep.call(["tools/bin/pex", "zope.component", "waitress", *options], env={"PEX_ROOT": str(keep.home / "root")})
    port = keep.port()
    keep.run(
        [keep.python, "shop.pex", f"--listen=127.0.0.1:{port}", "shop:serve"],
        ask=port,
        env={"HOME": str(keep.home)},
        type="web",
        program="shop.pex",
        environment="pex",
    )
