"""A program that `uv tool install` put in place."""


def start(keep):
    places = {"UV_TOOL_DIR": f"{keep.home}/.local/share/uv/tools", "UV_TOOL_BIN_DIR": f"{keep.home}/.local/bin"}
    keep.uv("tool", "install", "--quiet", "--python", keep.python, "waitress", env=places)
    port = keep.port()
    keep.run([".local/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port, environment="uv tool")
