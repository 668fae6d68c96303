"""A Zope as Plone's buildouts have it: `bin/instance console` of plone.recipe.zope2instance, by its `parts/instance`."""

from tests.zoo.buildouts import index_of

SOAK = True  # a buildout of eighty eggs takes two minutes
CONFIG = """
[buildout]
parts = instance
[versions]
zc.buildout = 6.0.1
plone.recipe.zope2instance = 9.1.0
[instance]
recipe = plone.recipe.zope2instance
user = admin:admin
http-address = 127.0.0.1:{port}
extra-paths = {home}/lib
zodb-temporary-storage = off
zeo-client = off
eggs = Zope
"""
FILTER = """
import telling

def factory(app, config):
    telling.leave({told!r})
    return app
"""


def start(keep):
    tools = keep.venv("shop/tools", "pip", "wheel")
    keep.install(tools, "zc.buildout==6.0.1")
    port, top = keep.port(), keep.home / "shop"
    keep.write(
        {
            "shop/buildout.cfg": CONFIG.format(port=port, home=keep.home),
            "lib/filtering.py": FILTER.format(told=str(keep.home / "told.json")),
            "lib/telling.py": (keep.home / "telling.py").read_text(),
        }
    )
    keep.call([tools / "bin/buildout", "-q", *index_of(keep, tools)], cwd=top)
    ini = top / "parts/instance/etc/wsgi.ini"
    # Zope answers for Zope: what is true of it is left by a filter before it.
    text = ini.read_text().replace("pipeline =\n", "pipeline =\n    tells\n")
    ini.write_text(text + "\n[filter:tells]\npaste.filter_app_factory = filtering:factory\n")
    keep.run(
        ["bin/instance", "console"],
        cwd=top,
        told="told.json",
        type="web",
        name="shop",
        base=str(top),
    )
