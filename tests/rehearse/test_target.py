"""A rehearsal loads this machine's own addresses only."""

from __future__ import annotations

import socket

import pytest

from entrepot.world.rehearse.plan import PlanError
from entrepot.world.rehearse.target import Target, is_ours, knock, target


@pytest.mark.parametrize(
    ("listens", "host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "localhost", "http://localhost:8000"),
        ("0.0.0.0", "127.0.0.1", "http://127.0.0.1:8000"),
        ("::", "::1", "http://[::1]:8000"),
    ],
)
def test_ours(listens: str, host: str, shown: str) -> None:
    if ":" in host and not is_ours("::1"):
        pytest.skip("lacks IPv6")
    found = target(listens, 8000)
    assert (found, found.url) == (Target(host, 8000), shown)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", r"192.0.2.1 \(ENTREPOT_HOST\) is not this machine: rehearse where the web processes run"),
        ("2001:db8::1", "is not this machine"),
        ("nowhere.invalid", r"there is no host nowhere.invalid \(ENTREPOT_HOST\)"),
    ],
)
def test_not_ours(host: str, why: str) -> None:
    with pytest.raises(PlanError, match=why):
        target(host, 8000)


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(PlanError, match="nothing answers at"):
        knock(Target("127.0.0.1", port), "/rehearsal/x")
