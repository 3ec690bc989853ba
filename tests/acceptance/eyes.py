"""Two pairs of eyes, for the tests of money."""

from __future__ import annotations

from datetime import timedelta

from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id
from tests.shop import START, Shop


async def limited(shop: Shop, action: str, limit_minor: int, currency: str = "USD") -> None:
    """From now on one operator does at most so much of an action alone."""
    limit = {"currency": currency, "limit_minor": limit_minor}
    told = await shop.http.put(f"/v1/operator/approval-limits/{action}", json=limit, headers=shop.operator)
    assert told.status_code == 204


async def approve(shop: Shop, approval_id: str) -> None:
    """Another operator does what one has asked for, who may not, a second later."""
    shop.clock.advance(timedelta(seconds=1))
    path = f"/v1/operator/approvals/{approval_id}/approve"
    assert (await shop.http.post(path, json={}, headers=shop.operator)).status_code == 409
    other = shop.session(Role.OPERATOR, new_id(START))
    assert (await shop.http.post(path, json={}, headers=other)).status_code == 204
