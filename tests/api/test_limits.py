"""Rate limits: exact counts on a clock of the test's own, and what callers are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entrepot.kit.auth import Role
from entrepot.kit.limits import BURST_S, Allowance, Limits, network
from tests.api.stage import BY_NAME, Ask, Stage


class Seconds:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def test_a_burst_and_then_the_rate(seconds: Seconds) -> None:
    limits = Limits(2, seconds)
    assert limits.burst == 2 * BURST_S == 10
    assert [limits.take("a").remaining for _ in range(10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert limits.take("a") == Allowance(0, 5, 1)
    assert limits.take("b").remaining == 9, "another caller has a bucket of its own"
    seconds.now += 0.49
    assert limits.take("a").retry_after_s == 1
    seconds.now += 0.01
    assert limits.take("a") == Allowance(0, 5, 0)
    assert limits.take("a").retry_after_s == 1, "a refused request took nothing, a granted one did"
    seconds.now += 3_600
    assert limits.take("a") == Allowance(9, 1, 0)


@pytest.mark.parametrize("rate_per_s", [1, 3, 7, 100, 1_000])
def test_never_more_than_promised(rate_per_s: int, seconds: Seconds) -> None:
    limits = Limits(rate_per_s, seconds)
    granted = 0
    for _ in range(20 * rate_per_s * 4):
        granted += limits.take("a").retry_after_s == 0
        seconds.now += 0.25 / rate_per_s
    # The bucket, and what flowed in during 20 seconds but for the last quarter of a request.
    assert granted == limits.burst + 20 * rate_per_s - 1 or granted == limits.burst + 20 * rate_per_s


def test_memory_is_bounded_and_the_longest_unseen_is_forgiven(seconds: Seconds) -> None:
    limits = Limits(1, seconds, callers_max=3)
    for caller in "abc":
        for _ in range(5):
            limits.take(caller)
    limits.take("a")  # seen again, though refused
    assert limits.take("d").remaining == 4
    assert len(limits) == 3
    assert limits.take("a").retry_after_s == 1
    assert limits.take("b").remaining == 4, "forgotten"
    for number in range(1_000):
        limits.take(number)
    assert len(limits) == 3


@pytest.mark.parametrize(
    ("host", "stands_for"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"), ("", ""), ("testclient", "testclient"),
    ],
)  # fmt: skip
def test_an_address_stands_for_its_network(host: str, stands_for: str) -> None:
    assert network(host) == stands_for


@pytest.fixture
def limited(stage: Stage, seconds: Seconds) -> Iterator[Stage]:
    stage.shop.app.state.limits = Limits(1, seconds)
    yield stage
    stage.shop.app.state.limits = None


async def test_callers_are_told_and_refused(limited: Stage, seconds: Seconds) -> None:
    markets, wallet = BY_NAME["GET /v1/markets"], BY_NAME["GET /v1/wallet"]
    ask = Ask("/v1/wallet", query={"currency": "USD"})
    for left in (4, 3, 2, 1, 0):
        answer = await limited.granted(wallet, ask)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"caller";q=5;w=5'
        assert answer.headers["ratelimit"] == f'"caller";r={left};t={5 - left}'
    before = await limited.shop.state()
    refused = await limited.granted(wallet, ask)
    assert (refused.status_code, refused.json()) == (
        429,
        {"type": "/problems/too_many_requests", "title": "Too many tries; wait.", "status": 429, "retry_after_s": 1},
    )
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"caller";r=0;t=5'
    other = await limited.send(wallet, ask, limited.headers(Role.BUYER, other=True))
    assert other.status_code == 200
    for status in (200, 200, 200, 200, 200, 429):  # by address: who has not signed in, and who only says so
        forged = {"authorization": "Bearer forged"} if status == 200 else {}
        assert (await limited.send(markets, Ask("/v1/markets"), forged)).status_code == status
    assert await limited.shop.state() == before
    seconds.now += 1
    assert (await limited.granted(wallet, ask)).status_code == 200


async def test_a_guest_has_the_bucket_of_its_network(limited: Stage) -> None:
    """Who could be as many guests as they like would have as many buckets."""
    found = []
    for _ in range(3):
        made = await limited.shop.http.post("/v1/guests", json={})
        found.append(made.status_code)
        if made.is_success:
            headers = {"authorization": f"Bearer {made.json()['token']}"}
            found.append((await limited.shop.http.get("/v1/accounts/me", headers=headers)).status_code)
    assert found == [201, 200, 201, 200, 201, 429]


async def test_without_limits_nothing_is_told(stage: Stage) -> None:
    answer = await stage.shop.http.get("/v1/markets")
    assert "ratelimit" not in answer.headers
