"""The operator's time slots: how full they are, more of them, other capacities, closed and opened again."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import pricing
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.ids import END
from entrepot.pricing import NewSlots
from entrepot.web.visit import Go, Visit, day_of, form, page

Clock = Annotated[str, Meta(pattern=f"^([01][0-9]|2[0-3]):[0-5][0-9]{END}")]
Capacity = Annotated[int, Meta(ge=1, le=pricing.CAPACITY_MAX)]


class SlotsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times are of the market's clock. Without `last_day` it is one slot."""

    shipping: Annotated[str, Meta(min_length=1, max_length=40)]
    first_day: Annotated[str, Meta(min_length=10, max_length=10)]
    starts: Clock
    ends: Clock
    capacity: Capacity
    cutoff_min: Annotated[int, Meta(ge=0, le=pricing.CUTOFF_MAX_MIN)]
    last_day: Annotated[str, Meta(max_length=10)] = ""


class SlotForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`act` says which of the slot's buttons was pressed; each sets its capacity."""

    capacity: Capacity
    act: Literal["open", "closed"]


async def slots_page(tx: ReadTx, visit: Visit) -> Response:
    """The slots of the chosen market that are not over."""
    market = await visit.market(tx)
    return await visit.show(
        tx, "operator_slots.html", market=market, services=await pricing.services(tx, market.code),
        slots=await pricing.all_slots(tx, market.code),
    )  # fmt: skip


async def add(tx: Tx, visit: Visit, body: SlotsForm) -> Go:
    last = day_of(body.last_day, "last_day") if body.last_day else None
    days = pricing.run_of_days(day_of(body.first_day, "first_day"), last)
    starts, ends = time.fromisoformat(body.starts), time.fromisoformat(body.ends)
    market = (await visit.market(tx)).code
    await pricing.add_slots(tx, NewSlots(market, body.shipping, days, starts, ends, body.capacity, body.cutoff_min))
    return Go("/operator/slots", done="slots_added")


async def change(tx: Tx, visit: Visit, body: SlotForm) -> Go:
    await pricing.set_slot(tx, visit.number("slot_id"), body.capacity, closed=body.act == "closed")
    return Go("/operator/slots", done="slot_set")


routes = [
    page("/operator/slots", slots_page, OPERATOR),
    form("/operator/slots", add, SlotsForm, OPERATOR, again=slots_page),
    form("/operator/slots/{slot_id}", change, SlotForm, OPERATOR),
]
