"""Setting up shipping services and promotions. The very same one again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot import sellers
from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.money import allocate
from entrepot.pricing import store, store_slots
from entrepot.pricing.types import (
    LimitReached,
    Promotion,
    PromotionExists,
    QuotaUse,
    ShippingService,
    ShippingServiceExists,
)


async def add_shipping_service(tx: Tx, service: ShippingService) -> None:
    """Raises NotFound for an unknown market, ShippingServiceExists."""
    await sellers.market(tx, service.market)
    added = await tx.maybe(
        store.ADD_SERVICE, market=service.market, code=service.code, name=service.name,
        base_minor=service.base_minor, item_minor=service.item_minor, transit_s=service.transit_s,
        position=service.position, incoterm=service.incoterm, clearance_minor=service.clearance_minor,
        carried=service.carried,
    )  # fmt: skip
    if added is None:
        there = await tx.one(store.SERVICE, market=service.market, code=service.code)
        if msgspec.structs.replace(there, slotted=service.slotted) != service:
            raise ShippingServiceExists


async def add_promotion(tx: Tx, promotion: Promotion) -> None:
    """Raises NotFound for an unknown market, PromotionExists."""
    await sellers.market(tx, promotion.market)
    added = await tx.maybe(
        store.ADD_PROMOTION, code=promotion.code, market=promotion.market, percent_bp=promotion.percent_bp,
        amount_minor=promotion.amount_minor, minimum_minor=promotion.minimum_minor,
        funding_party=promotion.funding_party, valid_from=promotion.valid_from, valid_to=promotion.valid_to,
        max_uses=promotion.max_uses, max_per_buyer=promotion.max_per_buyer, budget_minor=promotion.budget_minor,
    )  # fmt: skip
    if added is None and await tx.one(store.PROMOTION, code=promotion.code) != promotion:
        raise PromotionExists


async def limits(
    tx: Tx, cell: int, names: Sequence[str], owners: Sequence[UUID], granted: Sequence[int]
) -> list[tuple[int, int]]:
    """Opens limits that are not there yet: `granted` of each for its owner. (quota id, what is left at a glance), in
    the order asked; one asked twice is the same."""
    opened = await tx.all(store.OPEN_QUOTAS, cell=cell, names=names, owners=owners, granted=granted)
    return [(quota.quota_id, quota.available) for quota in opened]


async def quotas(tx: Tx, cell: int, promotion: Promotion, buyer_id: UUID, discount_minor: int) -> list[QuotaUse]:
    """What a purchase of `buyer_id` that takes `discount_minor` off will use of the promotion's limits. A limit for
    everybody is shared out among the cells, evenly, when it is first used in one; a buyer is always in the same. Raises
    LimitReached when one is used up at a glance; whether it still is not, placing judges."""
    everywhere = await cells(tx)

    def share(total: int) -> int:
        return _shares(total, everywhere)[everywhere.index(cell)]

    name = f"promotion:{promotion.code}"
    asked: list[tuple[str, UUID, int, int]] = []  # name, whose, granted, what this purchase uses
    if promotion.max_uses is not None:
        asked.append((name, NIL, share(promotion.max_uses), 1))
    if promotion.max_per_buyer is not None:
        asked.append((f"{name}:buyer", buyer_id, promotion.max_per_buyer, 1))
    if promotion.budget_minor is not None and discount_minor > 0:
        asked.append((f"{name}:budget", NIL, share(promotion.budget_minor), discount_minor))
    if not asked:
        return []
    names, owners, granted, amounts = zip(*asked, strict=True)
    opened = await limits(tx, cell, names, owners, granted)
    for (_, left), limit, amount in zip(opened, names, amounts, strict=True):
        if left < amount:
            raise LimitReached(limit, left)
    return sorted(QuotaUse(id_, amount) for (id_, _), amount in zip(opened, amounts, strict=True))


def _shares(total: int, cells: Sequence[int]) -> list[int]:
    return allocate(total, [1] * len(cells))


async def share_anew(tx: Tx, there: Sequence[int], new: int) -> None:
    """Gives the new cell its part of every limit for everybody, and of the places of slots: each cell of `there` gives
    up as much of what it has left as makes the parts equal, so that all together have what they had. The caller keeps
    others from reading which cells there are."""
    totals: dict[str, int] = {}
    for promotion in await tx.all(store.SHARED, now=tx.now):
        if promotion.max_uses is not None:
            totals[f"promotion:{promotion.code}"] = promotion.max_uses
        if promotion.budget_minor is not None:
            totals[f"promotion:{promotion.code}:budget"] = promotion.budget_minor
    slots = await tx.all(store_slots.AHEAD, now=tx.now)
    totals |= {slot.name: slot.capacity for slot in slots}
    given = dict.fromkeys(totals, 0)
    for number, cell in enumerate(there):
        await limits(
            tx, cell, list(totals), [NIL] * len(totals), [_shares(total, there)[number] for total in totals.values()]
        )
        for part in await tx.all(store.GIVE_UP, cell=cell, names=list(totals), parts=len(there) + 1):
            given[part.name] += part.amount
    await limits(tx, new, list(given), [NIL] * len(given), list(given.values()))
    await tx.run(store_slots.SET_CLOSED, cell=new, names=[slot.name for slot in slots if slot.closed], closed=True)
