"""A venv with pip and setuptools in it, its interpreter called by a name with a version."""


def start(keep):
    keep.venv("ve", "waitress", "pip", "setuptools", "wheel")
    port = keep.port()
    keep.run(["ve/bin/python3", "ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port)
