"""A buildout as large as Plone's: 220 pins that count and 28 that do not, in three levels of `extends`."""

from __future__ import annotations

import random
from pathlib import Path

ZOPE = """
    AccessControl Acquisition BTrees DateTime DocumentTemplate ExtensionClass Persistence
    RestrictedPython WebOb WebTest ZConfig ZODB Zope zExceptions zodbpickle roman
""".split()
ZOPE_PARTS = """
    annotation browser browserpage cachedescriptors component configuration container contentprovider
    contenttype datetime deferredimport deprecation dottedname event exceptions filerepresentation
    globalrequest hookable i18n i18nmessageid interface lifecycleevent location pagetemplate
    processlifetime proxy ptresource publisher schema security sequencesort site size structuredtext tal
    tales testing traversing viewlet
""".split()
PLONE_PARTS = """
    alterego api autoform batching behavior browserlayer cachepurging caching contentrules dexterity
    event folder i18n indexer intelligenttext keyring locking memoize namedfile outputfilters portlets
    protect registry resource rest restapi rfc822 scale schema schemaeditor session staticresources
    stringinterp subrequest supermodel testing theme tiles transformchain uuid volto z3cform
""".split()
PLONE_APP_PARTS = """
    caching content contentlisting contentmenu contentrules contenttypes customerize dexterity
    discussion event i18n intid iterate layout linkintegrity locales lockingbehavior multilingual
    portlets querystring redirector registry relationfield testing textfield theming upgrade users uuid
    versioningbehavior viewletmanager vocabularies workflow z3cform
""".split()
PRODUCTS = """
    BTreeFolder2 CMFCore CMFDiffTool CMFDynamicViewFTI CMFEditions CMFPlone CMFUid DCWorkflow
    ExtendedPathIndex GenericSetup MailHost MimetypesRegistry PlonePAS PluginRegistry PythonScripts
    Sessions SiteErrorLog StandardCacheManagers ZCatalog isurlinportal statusmessages validation
""".split()
OTHERS = """
    attrs babel beautifulsoup4 borg.localrole certifi cffi chameleon charset-normalizer cryptography
    cssselect decorator diazo docutils feedparser five.intid future icalendar idna importlib-metadata
    jsonschema lxml markdown mock multipart mxdev packaging paste PasteDeploy piexif Pillow
    plonetheme.barceloneta pycparser PyJWT pyrsistent python-dateutil python-gettext pytz PyYAML
    requests robotframework selenium sgmllib3k simplejson six soupsieve toml transaction Unidecode
    urllib3 waitress wcwidth webencodings z3c.caching z3c.form z3c.formwidget.query z3c.objpath z3c.pt
    z3c.relationfield z3c.zcmlhook zc.lockfile zc.relation zdaemon zipp zodbverify
""".split()

LEVELS = {
    "zope/versions.cfg": [*ZOPE, *(f"zope.{part}" for part in ZOPE_PARTS)],
    "plone/versions.cfg": [
        *(f"plone.{part}" for part in PLONE_PARTS),
        *(f"plone.app.{part}" for part in PLONE_APP_PARTS),
        *(f"Products.{part}" for part in PRODUCTS),
        *OTHERS,
    ],
}


def write(directory: Path) -> None:
    """buildout.cfg extends plone/versions.cfg, which extends zope/versions.cfg; each overrides some."""
    chance = random.Random(2011)
    names = [name for level in LEVELS.values() for name in level]
    _file(directory / "zope/versions.cfg", "", LEVELS["zope/versions.cfg"], chance)
    overridden = ["zope.interface", "WebOb", "ZODB"]
    plone = [*LEVELS["plone/versions.cfg"], *overridden]
    _file(directory / "plone/versions.cfg", "../zope/versions.cfg", plone, chance)
    own = ["shop.theme", "shop.policy", "collective.recipe.backup", *chance.sample(names, 25)]
    _file(directory / "buildout.cfg", "plone/versions.cfg", own, chance)


def _file(file: Path, extends: str, names: list[str], chance: random.Random) -> None:
    lines = ["[buildout]", *([f"extends = {extends}", "parts ="] if extends else []), "", "[versions]"]
    for number, name in enumerate(names):
        if number % 17 == 0:
            lines += ["", f"# {name} and what it needs = 1.0"]
        version = ".".join(str(chance.randrange(1, 9)) for _ in range(chance.choice((2, 3, 3))))
        lines.append(f"{name}{chance.choice((' = ', ' = ', '=', '   = '))}{version}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
