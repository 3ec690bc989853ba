"""What waits for a second operator, and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import accounts, approvals, platform
from entrepot.approvals import NO_AMOUNT, NewLimit, RequestView
from entrepot.catalog import Price
from entrepot.kit.audit import Wanted
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import parse
from entrepot.platform import LineView
from entrepot.web.visit import Go, Visit, amount_of, day_of, form, page
from entrepot.web.words import APPROVED_ACTIONS

PER_PAGE = 50


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    act: Literal["approve", "refuse"]
    note: Annotated[str, Meta(max_length=500)] = ""


class AloneLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without an amount the limit ends."""

    action: Annotated[str, Meta(max_length=60)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    amount: Annotated[str, Meta(max_length=20)] = ""


async def approvals_page(tx: ReadTx, visit: Visit) -> Response:
    found = await approvals.waiting(tx, visit.query_id("apr", "after"))
    over = await approvals.over(tx)
    users = {parse("usr", user) for one in [*found, *over] for user in (one.asked_by, one.decided_by) if user}
    names = await accounts.names(tx, users)
    limits = [
        (one, None if one.currency is None or one.limit_minor is None else Price(one.limit_minor, one.currency))
        for one in await approvals.limits(tx)
    ]
    return await visit.show(
        tx, "operator_approvals.html", found=[(one, _amount(one)) for one in found],
        over=[(one, _amount(one)) for one in over], limits=limits, titles=APPROVED_ACTIONS,
        who=lambda user: names.get(parse("usr", user)) or user,
        next=found[-1].id if len(found) == approvals.PAGE else None,
    )  # fmt: skip


def _amount(one: RequestView) -> Price | None:
    return None if one.currency == NO_AMOUNT[0] else Price(one.amount_minor, one.currency)


async def decide(tx: Tx, visit: Visit, body: Decision) -> Go:
    id_ = visit.id("apr", "approval_id")
    if body.act == "approve":
        await approvals.approve(tx, id_, visit.me.user_id, body.note)
        return Go("/operator/approvals", done="approved")
    await approvals.refuse(tx, id_, visit.me.user_id, body.note)
    return Go("/operator/approvals", done="not_approved")


async def set_limit(tx: Tx, visit: Visit, body: AloneLimit) -> Go:
    limit = amount_of(body.amount, body.currency) if body.amount else None
    asked = await approvals.set_limit(tx, NewLimit(body.action, body.currency, limit), visit.me.user_id)
    return Go("/operator/approvals", done="asked" if asked else "limit_set")


def _wanted(visit: Visit, seller_id: UUID | None) -> Wanted:
    """What the fields of the page ask for; days are UTC, both included."""
    since, until = visit.query("since"), visit.query("until")
    return Wanted(
        user_id=visit.query_id("usr", "user"), seller_id=seller_id, route=visit.query("route") or None,
        about=visit.query("about") or None,
        since=_midnight(since, "since") if since else None,
        until=_midnight(until, "until") + timedelta(days=1) if until else None,
    )  # fmt: skip


def _midnight(text: str, name: str) -> datetime:
    return datetime.combine(day_of(text, name), time(), UTC)


async def audit_page(tx: ReadTx, visit: Visit) -> Response:
    return await _audit(tx, visit, visit.query_id("sel", "seller"))


async def own_audit_page(tx: ReadTx, visit: Visit) -> Response:
    return await _audit(tx, visit, visit.seller_id)


async def _audit(tx: ReadTx, visit: Visit, seller_id: UUID | None) -> Response:
    lines = await platform.audit_lines(tx, _wanted(visit, seller_id), visit.query_id("aud", "after"))
    names = await accounts.names(tx, {parse("usr", line.user_id) for line in lines})
    return await visit.show(
        tx, "audit.html", lines=lines, path=visit.request.url.path, who=lambda user: names.get(parse("usr", user)),
        next=lines[-1].id if len(lines) == PER_PAGE else None,
        file=visit.address(after=None).replace("audit", "audit.csv", 1),
    )  # fmt: skip


async def audit_file(tx: ReadTx, visit: Visit) -> Response:
    return await _file(tx, visit, visit.query_id("sel", "seller"))


async def own_audit_file(tx: ReadTx, visit: Visit) -> Response:
    return await _file(tx, visit, visit.seller_id)


async def _file(tx: ReadTx, visit: Visit, seller_id: UUID | None) -> Response:
    lines: list[LineView] = await platform.audit_lines(
        tx, _wanted(visit, seller_id), visit.query_id("aud", "after"), platform.CSV_MAX
    )  # fmt: skip
    headers = {"content-disposition": 'attachment; filename="audit.csv"', "cache-control": "private, no-store"}
    return Response(platform.audit_csv(lines), headers=headers, media_type="text/csv")


routes = [
    page("/operator/approvals", approvals_page, OPERATOR),
    form("/operator/approvals/{approval_id}", decide, Decision, OPERATOR),
    form("/operator/approvals", set_limit, AloneLimit, OPERATOR, again=approvals_page),
    page("/operator/audit", audit_page, OPERATOR),
    page("/operator/audit.csv", audit_file, OPERATOR),
    page("/seller/audit", own_audit_page, SELLER),
    page("/seller/audit.csv", own_audit_file, SELLER),
]
