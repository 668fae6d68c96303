"""Throw-away real servers on this machine, for tests and rehearsals: Debian, with systemd and sshd.

with up(["web1", "web2"]) as lab:
    lab["web1"].run("systemctl is-system-running")
"""

from tightship.lab.failing import LabError
from tightship.lab.labs import Lab, sweep, up, why_not
from tightship.lab.roots import root
from tightship.lab.servers import Server

__all__ = ["Lab", "LabError", "Server", "root", "sweep", "up", "why_not"]
