"""A pex that makes itself a virtual environment, built with a shell script in front."""


def start(keep):
    keep.venv("tools", "pex")
    keep.venv("ve", "waitress")
    options = ["--venv", "--sh-boot", "--venv-repository", "ve", "-o", "shop.pex"]
    keep.call(["tools/bin/pex", "waitress", *options], env={"PEX_ROOT": str(keep.home / "root")})
    port = keep.port()
    # Without an entry point it is an interpreter.
    keep.run(
        ["./shop.pex", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        env={"HOME": str(keep.home)},
        type="web",
        program="shop.pex",
        environment="pex",
    )
