"""A program that pipx put in place."""


def start(keep):
    keep.venv("tools", "pipx")
    places = {"PIPX_HOME": f"{keep.home}/.local/share/pipx", "PIPX_BIN_DIR": f"{keep.home}/.local/bin"}
    keep.call([keep.home / "tools/bin/pipx", "install", "--quiet", "--python", keep.python, "waitress"], env=places)
    port = keep.port()
    keep.run([".local/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port, environment="pipx")
