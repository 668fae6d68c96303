"""Zope behind waitress (runwsgi), with an instance that mkwsgiinstance made."""


def start(keep):
    venv = keep.venv("ve", "Zope[wsgi]", "setuptools")
    keep.call([venv / "bin/mkwsgiinstance", "-d", keep.home / "inst", "-u", "admin:admin"])
    port = keep.port()
    ini = keep.home / "inst/etc/zope.ini"
    text = ini.read_text().replace("port = 8080", f"port = {port}")
    # Zope answers for Zope: what is true of it is left by a filter before it.
    text = text.replace("pipeline =", "pipeline = tells")
    text += "\n[filter:tells]\npaste.filter_app_factory = filtering:factory\n"
    ini.write_text(text)
    keep.write({"filtering.py": "import telling\n\n\ndef factory(app, config):\n    telling.leave('told.json')\n    return app\n"})
    keep.run(
        ["ve/bin/runwsgi", "inst/etc/zope.ini"],
        env={"PYTHONPATH": str(keep.home)},
        told="told.json",
        type="web",
        program="zope",
    )
