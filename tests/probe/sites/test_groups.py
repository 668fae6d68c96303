"""Which process group gets the requests of a site."""

from __future__ import annotations

import pytest

from tightship_probe import sites


def listening(key: str, address: str, port: int, how: str = "process") -> dict[str, object]:
    return {
        "key": key,
        "listeners": [{"protocol": "tcp", "address": address, "port": port, "path": "", "how": how}],
    }


TOLD = [
    listening("plain", "127.0.0.1", 8001),
    listening("everywhere", "0.0.0.0", 8002),
    listening("in a container", "0.0.0.0", 8000, "namespace"),
    listening("handed on", "0.0.0.0", 18080, "published"),
    listening("handed on here", "127.0.0.1", 18081, "published"),
    {
        "key": "socket",
        "listeners": [{"protocol": "unix", "path": "/run/shop.sock", "port": 0, "how": "systemd"}],
    },
]


@pytest.mark.parametrize(
    ("to", "key"),
    [
        ("127.0.0.1:8001", "plain"),
        ("localhost:8001", "plain"),
        ("10.0.0.1:8001", ""),
        ("10.0.0.1:8002", "everywhere"),
        ("/run/shop.sock", "socket"),
        # What listens in a network of its own is not found at this server's addresses, but at its own.
        ("127.0.0.1:8000", ""),
        ("localhost:8000", ""),
        ("172.17.0.2:8000", "in a container"),
        ("127.0.0.1:18080", "handed on"),
        ("localhost:18081", "handed on here"),
        ("shop.example.com:8002", ""),
    ],
)
def test_a_site_leads_to_the_group_that_listens_there(to: str, key: str) -> None:
    site = {"names": ["shop"], "ports": [80], "to": to, "server": "nginx", "where": "/etc/nginx/nginx.conf"}
    [found] = sites.with_groups([site], TOLD)
    assert found["group"] == key
