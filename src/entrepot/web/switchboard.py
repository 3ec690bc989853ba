"""The operator's switches: what a peak can do without, off for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import platform
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import NotFound
from entrepot.platform import Switch
from entrepot.web.account import Nothing
from entrepot.web.visit import Go, Visit, form, page
from entrepot.web.words import SWITCHES


class TurnOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    minutes: Annotated[int, Meta(ge=1, le=7 * 24 * 60)]
    why: Annotated[str, Meta(min_length=1, max_length=200)]


async def switches_page(tx: ReadTx, visit: Visit) -> Response:
    changes = await platform.changes(tx)
    off = {one.name: one for one in changes if one.ended_at is None and tx.now < one.until}
    return await visit.show(
        tx, "operator_switches.html", switches=SWITCHES, off=off, changes=changes,
        by=lambda user: None if user == NIL else show("usr", user),
    )  # fmt: skip


async def turn_off(tx: Tx, visit: Visit, body: TurnOff) -> Go:
    await platform.turn_off(tx, _switch(visit), visit.me.user_id, timedelta(minutes=body.minutes), body.why)
    return Go("/operator/switches", done="switched")


async def turn_on(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await platform.turn_on(tx, _switch(visit), visit.me.user_id)
    return Go("/operator/switches", done="switched")


def _switch(visit: Visit) -> Switch:
    try:
        return Switch(visit.param("name"))
    except ValueError:
        raise NotFound from None


routes = [
    page("/operator/switches", switches_page, OPERATOR),
    form("/operator/switches/{name}/off", turn_off, TurnOff, OPERATOR, again=switches_page),
    form("/operator/switches/{name}/on", turn_on, Nothing, OPERATOR),
]
