"""Run by a Python that has zc.buildout: directories on standard input, a line of JSON for each."""

import io
import json
import os
import sys
from contextlib import redirect_stdout

import zc.buildout.buildout
import zc.buildout.easy_install


def told(directory):
    os.chdir(directory)
    with redirect_stdout(io.StringIO()):
        buildout = zc.buildout.buildout.Buildout("buildout.cfg", [])
    annotated = buildout._annotated.get(buildout["buildout"]["versions"], {})
    by_default = {name for name, key in annotated.items() if key.source == "DEFAULT_VALUE"}
    # Before ${...} is put in: what stands there is not followed by us.
    raw = {name: buildout.versions._raw[name] for name in buildout.versions}
    versions = {name: value for name, value in raw.items() if name not in by_default}
    # Of += and -= it names the last file, which need not be the one that has the version.
    sources = {
        name: key.source
        for name, key in annotated.items()
        if name in versions and key.history[-1].operation not in ("ADD", "REMOVE")
    }
    return {"versions": zc.buildout.easy_install.normalize_versions(versions), "sources": sources}


for line in sys.stdin:
    try:
        answer = told(line.rstrip("\n"))
    except (Exception, SystemExit) as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer))
