"""Python 2.7 on Debian 11 in a root of its own, Django 1.11, zc.buildout 1.7: plain scripts, and those with a `site.py` of their own."""

import os
import shutil
import tempfile

from tests.zoo.buildouts import SERVE, SETUP

SOAK = True  # a root by debootstrap, and everything from source
ROOT = True
NEEDS = ("debootstrap", "unshare", "nsenter")
PIP = "python2.7 {home}/pip.whl/pip --disable-pip-version-check -q"
SOURCES = "setuptools==7.0 zc.recipe.egg==1.3.2 z3c.recipe.scripts==1.0.1 waitress==1.1.0 Django==1.11.29 pytz==2020.1"
CONFIG = """
[buildout]
parts = app old alone relative
develop = src
find-links = {home}/sources
index = {home}/none
versions = versions

[versions]
zc.buildout = 1.7.1
zc.recipe.egg = 1.3.2

[app]
recipe = zc.recipe.egg
eggs =
  shop
  waitress
  Django
interpreter = py
scripts = django-admin

[old]
recipe = z3c.recipe.scripts
eggs =
  shop
  waitress
interpreter = oldpy

[alone]
recipe = z3c.recipe.scripts
eggs =
  shop
  waitress
  setuptools
interpreter = alonepy
scripts = django-admin
include-site-packages = false

[relative]
recipe = z3c.recipe.scripts
eggs =
  shop
  waitress
  setuptools
interpreter = relativepy
scripts = django-admin
include-site-packages = true
relative-paths = true
"""
MOUNT = """
set -e
mount -t overlay overlay -o lowerdir={lower},upperdir={place}/upper,workdir={place}/work {place}/root
mkdir -p {place}/root{home}
mount --bind {home} {place}/root{home}
mount -t proc proc {place}/root/proc
cp /etc/resolv.conf {place}/root/etc/resolv.conf 2>/dev/null || true
touch {home}/mounted
exec sleep 86400
"""
BUILD = """
set -e
cd {home}/shop
export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
{pip} install --no-deps --no-use-pep517 zc.buildout==1.7.1
mkdir -p {home}/sources {home}/none
for one in {sources}; do {pip} download --no-deps --no-binary :all: --no-use-pep517 -d {home}/sources $one; done
{pip} install --no-deps --no-use-pep517 --no-index --find-links {home}/sources setuptools==7.0
buildout -q
"""


def start(keep):
    from tests.applications import uid
    from tightship.lab.roots import root

    place = tempfile.mkdtemp(prefix="tightship-root-")
    keep.closing(_removed(place))
    for folder in ("upper", "work", "root"):
        os.mkdir(f"{place}/{folder}")
    lower = root("bullseye", ["python2.7", "python-pkg-resources", "python-setuptools"])
    told = {"home": keep.home, "place": place, "lower": lower, "sources": SOURCES, "pip": PIP.format(home=keep.home)}
    keep.write(
        {
            "shop/buildout.cfg": CONFIG.format(**told),
            "shop/src/setup.py": SETUP,
            "shop/src/shop.py": "from telling import wsgi\n",
            "shop/src/telling.py": (keep.home / "telling.py").read_text(),
            "shop/serve.py": SERVE,
        }
    )
    tools = keep.venv("tools", "pip")
    keep.call([tools / "bin/pip", "download", "-q", "--no-deps", "-d", "fetched", "pip==20.3.4"])
    (wheel,) = (keep.home / "fetched").iterdir()
    wheel.rename(keep.home / "pip.whl")
    holder = keep.run(
        ["unshare", "--mount", "sh", "-c", MOUNT.format(**told)],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        popen={"user": 0, "group": 0},
        kind=None,
    )
    keep.living.remove(holder)
    keep.appears("mounted")
    inside = ["nsenter", f"--target={holder.pid}", "--mount", "chroot"]
    keep.call([*inside, f"{place}/root", "sh", "-c", BUILD.format(**told)])
    inside += [f"--userspec={uid()}:{uid()}", f"{place}/root", "/usr/bin/env", f"--chdir={keep.home}/shop"]
    expected = {"type": "web", "name": "shop", "base": str(keep.home / "shop"), "release": "2.4.1"}
    as_root = {"env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, "popen": {"user": 0, "group": 0}, **expected}
    port = keep.port()
    command = [*inside, "bin/waitress-serve", f"--listen=127.0.0.1:{port}", "shop:wsgi"]
    keep.run(command, ask=port, program="waitress", **as_root)
    for python in ("bin/py", "bin/oldpy", "bin/alonepy", "bin/relativepy"):
        port = keep.port()
        keep.run([*inside, python, "serve.py", str(port)], ask=port, **as_root)


class _removed:
    def __init__(self, place):
        self.place = place

    def __enter__(self):
        return self

    def __exit__(self, *why):
        shutil.rmtree(self.place, ignore_errors=True)
