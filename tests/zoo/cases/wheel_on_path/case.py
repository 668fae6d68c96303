"""A wheel put onto the path as it is, in front of another version of it that is installed."""

import zipfile


def start(keep):
    keep.venv("ve", "waitress", "six")
    wheel = keep.home / "six-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("six.py", "")
        file.writestr("six-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: six\nVersion: 1.2.3\n")
        file.writestr("six-1.2.3.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-m", "waitress", f"--listen=127.0.0.1:{port}", "telling:wsgi"],
        ask=port,
        env={"PYTHONPATH": str(wheel)},
        type="web",
        program="waitress",
        environment="uv",
    )
