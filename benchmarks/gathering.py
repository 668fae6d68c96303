"""Reports of 50 real servers of the lab (Debian with systemd and sshd on this machine's own cores), ten at
a time, each with two applications: a venv with 30 packages, a unit and a port. All log in as root by
the same OpenSSH configuration, but for pyinfra, which has a client of its own (paramiko).

Not equal: `xargs` writes the same probe's reports to files, `gather` also checks them and records them in
SQLite (all unchanged but in the first round, which is not counted). Ansible's `setup` and pyinfra's fact
tell something else, about the operating system: Ansible brings a program of its own along, pyinfra runs
one short command. Ansible keeps its connections open from one round to the next, as it does by default.
pyinfra's client knows no key exchange that withstands quantum computers; OpenSSH's, which all others use,
takes 80 ms of processor time for it on this side alone, most of what logging in costs. Servers and clients
share the cores, so "on the clock" holds the work of both; "processor" is that of this side alone. Ansible
and pyinfra are installed for this run, as the package index has them; where it has none they are missing.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import Command, Cost, by_turns, cost
from tightship.lab import Lab, Server, up, why_not
from tightship.remote.program import source

SERVERS = 50
AT_ONCE = 10
ROUNDS = 3
GATHER, XARGS = "`tightship gather`", "the same probe by `xargs -P 10 ssh`, into files"
BUDGET = "1.3 times xargs"
PACKAGES = 30
APPLICATIONS = (8001, 8002)

_SERVES = """\
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""
_UNIT = """\
[Service]
User=nobody
WorkingDirectory=/srv/{port}
ExecStart=/srv/{port}/venv/bin/python serves.py {port}
"""
_PLANT = """\
for port in {ports}; do
    python3 -m venv --without-pip /srv/$port/venv
    site=$(echo /srv/$port/venv/lib/python3.*/site-packages)
    for number in $(seq {packages}); do
        mkdir $site/package_$port_$number-1.$number.dist-info
        printf 'Metadata-Version: 2.1\\nName: package-%s-%s\\nVersion: 1.%s\\n' $port $number $number \
            >$site/package_$port_$number-1.$number.dist-info/METADATA
    done
done
systemctl daemon-reload
systemctl start {units}
"""
_ANSIBLE = """\
[defaults]
inventory = {folder}/inventory
interpreter_python = /usr/bin/python3
home = {folder}/ansible
local_tmp = {folder}/ansible
[ssh_connection]
ssh_args = -F {config} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {folder}/cp
"""


def measure() -> list[dict[str, Any]]:
    """Rows of the table; one that says why, where there can be no lab."""
    reason = why_not()
    if reason:
        return [{"what": f"not measured: {reason}"}]
    names = [f"web{number}" for number in range(1, SERVERS + 1)]
    with tempfile.TemporaryDirectory(prefix="ts-") as place, up(names) as lab:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(_plant, lab))
        folder = Path(place)
        measures = _ours(folder, lab) | _peers(folder, lab)
        costs = by_turns(measures, ROUNDS)
        _check(folder)
    return [_row(name, costs) for name in costs]


def _plant(server: Server) -> None:
    units = [f"application{port}.service" for port in APPLICATIONS]
    server.copy({f"/srv/{port}/serves.py": _SERVES for port in APPLICATIONS})
    server.copy(
        {
            f"/etc/systemd/system/{unit}": _UNIT.format(port=port)
            for port, unit in zip(APPLICATIONS, units, strict=True)
        }
    )
    ports = " ".join(map(str, APPLICATIONS))
    server.enter("sh", "-c", _PLANT.format(ports=ports, packages=PACKAGES, units=" ".join(units)))


def _ours(folder: Path, lab: Lab) -> dict[str, Any]:
    (folder / "probe.py").write_text(source("tightship_probe"))
    (folder / "names").write_text("".join(f"{server.name}\n" for server in lab))
    (folder / "reports").mkdir()
    config = shlex.quote(str(lab.ssh_config))
    one = f"ssh -F {config} {{}} python3 -I -S - <probe.py >reports/{{}}.json"
    xargs = ["xargs", "-a", "names", "-P", str(AT_ONCE), "-I{}", "sh", "-c", one]
    tightship = str(Path(sys.executable).parent / "tightship")
    gather = [tightship, "gather", "--ssh-config", str(lab.ssh_config), "--at-once", str(AT_ONCE), "web*"]
    data = {"TIGHTSHIP_DATA": str(folder / "data"), "DATABASE_URL": "", "TIGHTSHIP_URL": ""}
    return {
        GATHER: partial(_cost, folder, gather, data),
        XARGS: partial(_cost, folder, xargs, {}),
        "`xargs -P 10 ssh true`: nothing but to log in": partial(
            _cost, folder, [*xargs[:-1], f"ssh -F {config} {{}} true </dev/null"], {}
        ),
    }


def _peers(folder: Path, lab: Lab) -> dict[str, Any]:
    venv = folder / "peers"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install: Command = [venv / "bin/python", "-m", "pip", "-q", "install", "ansible-core", "pyinfra"]
    if subprocess.run(install, check=False, capture_output=True).returncode:
        return {}
    (folder / "inventory").write_text((folder / "names").read_text())
    (folder / "ansible.cfg").write_text(_ANSIBLE.format(folder=folder, config=lab.ssh_config))
    (folder / "servers.py").write_text(f"servers = {_for_pyinfra(lab)!r}\n")
    ansible: Command = [venv / "bin/ansible", "all", "-m", "setup", "-f", str(AT_ONCE)]
    pyinfra: Command = [
        venv / "bin/pyinfra",
        "--parallel",
        str(AT_ONCE),
        "servers.py",
        "fact",
        "server.LinuxDistribution",
    ]
    variables = {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    return {
        f"`ansible -m setup`, {_version(venv, 'ansible-core')}": partial(_cost, folder, ansible, variables),
        f"one fact by pyinfra, {_version(venv, 'pyinfra')}": partial(_cost, folder, pyinfra, variables),
    }


def _for_pyinfra(lab: Lab) -> list[tuple[str, dict[str, Any]]]:
    """It does not know `Match host`, so it is told what the configuration says."""
    told = {
        "ssh_user": "root",
        "ssh_key": str(lab.folder / "id"),
        "ssh_known_hosts_file": str(lab.folder / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
    }
    return [(server.address, told) for server in lab]


def _version(venv: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.check_output([venv / "bin/python", "-c", code], text=True).strip()


def _cost(folder: Path, command: Command, variables: Mapping[str, str]) -> Cost:
    said = folder / "said"
    with said.open("wb") as err:
        try:
            return cost([command], cwd=folder, env={**os.environ, **variables}, stderr=err)
        except RuntimeError as error:
            sys.exit(f"benchmarks: {error}: {said.read_text(errors='replace')[-600:]}")


def _check(folder: Path) -> None:
    """The figures are of a gathering that found everything."""
    reports = [json.loads(path.read_bytes()) for path in (folder / "reports").glob("*.json")]
    found = [sum(group["kind"] == "application" for group in report["state"]["groups"]) for report in reports]
    if len(found) < SERVERS or min(found) < len(APPLICATIONS):
        sys.exit(f"benchmarks: {len(found)} servers told of {sum(found)} applications")


def _row(name: str, costs: Mapping[str, Cost]) -> dict[str, Any]:
    found = costs[name]
    return {
        "what": name,
        "on the clock": f"{found.wall:.2f} s",
        "a server": f"{found.wall / SERVERS * 1000:.0f} ms",
        "processor": f"{found.cpu:.2f} s",
        "memory": f"{found.memory / 1e6:.0f} MB",
        "beside xargs": f"{found.wall / costs[XARGS].wall:.2f}",
        "budget": BUDGET if name == GATHER else None,
    }
