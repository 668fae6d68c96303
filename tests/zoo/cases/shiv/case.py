"""A shiv, by an environment's interpreter: its packages come before that environment's."""


def start(keep):
    keep.venv("tools", "shiv", "pip")
    keep.venv("ve", "waitress", "zope.interface")
    keep.venv("other", "six")
    packages = next((keep.home / "ve").glob("lib/*/site-packages"))
    keep.call(["tools/bin/shiv", "--site-packages", packages, "-e", "waitress.runner:run", "-o", "shop.pyz"])
    port = keep.port()
    keep.run(
        ["other/bin/python", "shop.pyz", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        env={"SHIV_ROOT": str(keep.home / "unpacked")},
        type="web",
        program="shop.pyz",
        environment="shiv",
    )
