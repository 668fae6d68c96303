"""Releases in directories of their own, with `current` and a REVISION file, as Capistrano leaves them."""


def start(keep):
    keep.venv("shared/ve", "waitress")
    keep.write({"releases/20260101120000/shop.py": "from telling import wsgi\n", "releases/20260101120000/REVISION": "2.4.1\n"})
    release = keep.home / "releases/20260101120000"
    (release / "telling.py").write_text((keep.home / "telling.py").read_text())
    (keep.home / "current").symlink_to("releases/20260101120000")
    port = keep.port()
    keep.run(
        [keep.home / "shared/ve/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"],
        cwd="current",
        ask=port,
        name="shop",
        release="2.4.1",
    )
