"""Carriers' scans over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from entrepot.kit.clock import require_calendar
from entrepot.kit.db import Tx
from entrepot.kit.http import OPERATOR, post
from entrepot.kit.problem import NotFound
from entrepot.logistics import actions
from entrepot.logistics.actions import Scan

MAX_SCANS = 500


class NewScan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=80)]
    status: Literal["in_transit", "out_for_delivery", "delivered"]
    at: Annotated[datetime, Meta(tz=True)]
    place: Annotated[str, Meta(max_length=120)] = ""

    def __post_init__(self) -> None:
        require_calendar(self.at)


class Scans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scans: Annotated[list[NewScan], Meta(min_length=1, max_length=MAX_SCANS)]


class Taken(msgspec.Struct, frozen=True):
    """How many orders these scans delivered."""

    delivered: int


async def record_scans(tx: Tx, body: Scans) -> Taken:
    """Takes carriers' scans, in any order; a scan told twice counts once."""
    scans = [Scan(s.carrier, s.tracking_number, s.status, s.at, s.place) for s in body.scans]
    return Taken(len(await actions.track_anywhere(tx, scans)))


routes = [post("/v1/tracking", record_scans, access=OPERATOR, raises=(NotFound,), key="taken")]
