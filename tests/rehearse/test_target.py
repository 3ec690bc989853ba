"""A rehearsal loads this machine's own addresses only."""

from __future__ import annotations

import socket

import pytest

from entrepot.world.rehearse.plan import PlanError
from entrepot.world.rehearse.target import Target, is_ours, knock, target


@pytest.mark.parametrize(
    ("url", "host", "port", "shown"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("http://localhost/", "localhost", 80, "http://localhost:80"),
        ("http://0.0.0.0:8001", "127.0.0.1", 8001, "http://127.0.0.1:8001"),
        ("http://[::]:8001", "::1", 8001, "http://[::1]:8001"),
    ],
)
def test_ours(url: str, host: str, port: int, shown: str) -> None:
    if ":" in host and not is_ours("::1"):
        pytest.skip("lacks IPv6")
    found = target(url)
    assert (found, found.url) == (Target(host, port), shown)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://192.0.2.1:8000", "192.0.2.1 is 192.0.2.1, which is not this machine"),
        ("http://8.8.8.8", "which is not this machine"),
        ("http://[2001:db8::1]:8000", "which is not this machine"),
        ("http://nowhere.invalid:8000", "there is no host nowhere.invalid"),
        ("https://127.0.0.1:8000", "is no address of a web process"),
        ("http://127.0.0.1:8000/shop", "is no address of a web process"),
        ("127.0.0.1:8000", "is no address of a web process"),
        ("http://127.0.0.1:99999", "is no address"),
        ("", "is no address"),
    ],
)
def test_not_ours(url: str, why: str) -> None:
    with pytest.raises(PlanError, match=why) as refused:
        target(url)
    assert "\n" not in str(refused.value)


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(PlanError, match="nothing answers at"):
        knock(Target("127.0.0.1", port), "/rehearsal/x")
