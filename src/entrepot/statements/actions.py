"""By which clock months begin."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from entrepot.kit.db import Tx
from entrepot.statements import rules, store
from entrepot.statements.types import Zone, ZoneNotLater, ZoneUnknown


async def set_zone(tx: Tx, zone: Zone) -> None:
    """Months in `zone.currency` begin by this clock, from a month on that has begun nowhere. Raises ZoneUnknown,
    ZoneNotLater."""
    if not await tx.one(store.IS_ZONE, zone=zone.zone):
        raise ZoneUnknown
    soonest = rules.following((tx.now + timedelta(days=1)).date())  # somewhere it is tomorrow
    last = await tx.maybe(store.LAST_ZONE_FROM, currency=zone.currency)
    if last is not None:
        soonest = max(soonest, rules.following(last))
    if zone.valid_from < soonest:
        raise ZoneNotLater(soonest)
    if await tx.maybe(store.ADD_ZONE, **msgspec.structs.asdict(zone)) is None:  # somebody else was faster
        raise ZoneNotLater(rules.following(zone.valid_from))
