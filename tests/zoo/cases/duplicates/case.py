"""One package twice in one directory, and once more behind it on the path."""


def start(keep):
    venv = keep.venv("ve", "waitress")
    keep.install(venv, "six==1.17.0")
    site = next(venv.glob("lib/python3*/site-packages"))
    older = site / "six-1.16.0.dist-info"
    older.mkdir()
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n")
    keep.write({"more/six-1.15.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Six\nVersion: 1.15.0\n"})
    (site / "more.pth").write_text(f"{keep.home}/more\n")
    port = keep.port()
    keep.run(["ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "telling:wsgi"], ask=port)
