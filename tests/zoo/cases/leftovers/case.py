"""What pip leaves behind (`~ix`), metadata without METADATA, and names in odd bytes."""

import os


def start(keep):
    venv = keep.venv("ve", "waitress")
    site = next(venv.glob("lib/python3*/site-packages"))
    gone = site / "~ix-1.16.0.dist-info"
    gone.mkdir()
    (gone / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n")
    (site / "halfway-1.0.dist-info").mkdir()
    odd = os.fsencode(site) + b"/odd\xff-1.0.dist-info"
    os.mkdir(odd)
    with open(odd + b"/METADATA", "wb") as file:
        file.write(b"Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port, unread="METADATA")
