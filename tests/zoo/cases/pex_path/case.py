"""A pex that takes packages from further ones: one named when it was built, one by PEX_PATH."""


def start(keep):
    keep.venv("tools", "pex")
    keep.venv("ve", "waitress", "zope.component", "six")
    keep.write({"told/telling.py": (keep.home / "telling.py").read_text()})

    def build(name, *words):
        options = ["--venv-repository", "ve", "-o", name]
        keep.call(["tools/bin/pex", *words, *options], env={"PEX_ROOT": str(keep.home / "root")})

    build("further.pex", "zope.component")
    build("six.pex", "six")
    build("shop.pex", "waitress", "-D", "told", "-m", "waitress", "--pex-path", str(keep.home / "further.pex"))
    port = keep.port()
    keep.run(
        [keep.python, "shop.pex", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        env={"HOME": str(keep.home), "PEX_PATH": str(keep.home / "six.pex")},
        type="web",
        program="shop.pex",
        environment="pex",
    )
