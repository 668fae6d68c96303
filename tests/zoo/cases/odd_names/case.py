"""Names and versions in bytes that are no UTF-8, with NULs and newlines, and versions of no known form."""

import os


def start(keep):
    venv = keep.venv("ve", "waitress")
    site = os.fsencode(next(venv.glob("lib/python3*/site-packages")))
    for folder, name, version in (
        (b"caf\xe9-1.0", b"Caf\xe9", b"1.0"),
        (b"nul-1.0", b"nul\0name", b"1.0"),
        (b"new\nline-1.0", b"Newline", b"2004d, final (beta)"),
        (b"odd-1.0", b"odd", b"1.0\xff"),
        (b"tab-1.0", b"a\tb", b"1.0\x1b[31m"),
        ("\u202eshop-1.0".encode(), "\u202eshop".encode(), b"1.0+local.version"),
    ):
        place = site + b"/" + folder + b".dist-info"
        os.mkdir(place)
        with open(place + b"/METADATA", "wb") as file:
            file.write(b"Metadata-Version: 2.1\nName: " + name + b"\nVersion: " + version + b"\n")
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port)
