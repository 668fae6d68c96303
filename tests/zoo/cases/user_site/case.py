"""The system's Python with packages in the user's own ~/.local."""

NEEDS = ("/usr/bin/python3",)


def start(keep):
    user = keep.call(
        ["/usr/bin/python3", "-m", "site", "--user-site"], env={"PYTHONUSERBASE": f"{keep.home}/.local"}
    )
    keep.uv("pip", "install", "--quiet", "--python", "/usr/bin/python3", "--target", user.strip(), "waitress")
    port = keep.port()
    keep.run(
        ["/usr/bin/python3", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        env={"HOME": str(keep.home)},
        ask=port,
        environment="system",
    )
