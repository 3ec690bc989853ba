"""A message's words: what it is about, read when it goes out, in the texts of a language."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from babel import Locale
from jinja2 import Environment, StrictUndefined, Template

from entrepot import credit, disputes, invoices, orders, reviews, webhooks
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx
from entrepot.kit.i18n import choose, format_money, format_time, format_window
from entrepot.kit.ids import parse, show
from entrepot.kit.problem import NotFound
from entrepot.notify.types import Message

Link = Callable[[str, UUID | None], str]
FOLDER = Path(__file__).parent / "texts"
SOURCE_LANGUAGE = "en"
GROUPS = frozenset({"to_pay", "paid", "not_paid", "purchase_canceled"})
OF_SELLER = frozenset({
    "fee_invoice_issued", "deposit_deducted", "bank_account_added", "webhook_disabled", "channel_oversold",
    "charged_back", "charge_decided",
})  # fmt: skip
OF_ITSELF = {"digest": "/operator", "prove_email": "/account"}
"""What says all that there is to say: the page it leads to."""


class Written(msgspec.Struct, frozen=True):
    """`sms` is empty for what is told by mail only."""

    subject: str
    text: str
    html: str
    sms: str
    language: str


class Words:
    """The texts of a language, from its file."""

    def __init__(self, code: str) -> None:
        self.code = code

    @cached_property
    def entries(self) -> dict[str, dict[str, dict[str, str]]]:
        """Read when something is written: most processes that know of messages write none."""
        return tomllib.loads((FOLDER / f"{self.code}.toml").read_text("utf-8"))

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.code, sep="-")

    @cached_property
    def _plain(self) -> Environment:
        plain = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - text
        plain.filters["money"] = lambda price: format_money(price.minor, price.currency, self._locale)
        plain.filters["time"] = lambda at: format_time(at.astimezone(UTC), self._locale)
        plain.filters["window"] = lambda of: format_window(of.starts, of.ends, self._locale)
        return plain

    @cached_property
    def _html(self) -> Template:
        html = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        return html.from_string((FOLDER / "letter.html").read_text("utf-8"))

    def subject(self, kind: str, party: str) -> str:
        return self.entries[kind][party]["subject"]

    def written(self, kind: str, party: str, facts: dict[str, Any]) -> Written:
        """A message of a kind in full; `facts` has its `url`, and `unsubscribe`, which may be empty."""
        entry = self.entries[kind][party]
        foot = self.entries["foot"]["muted" if facts["unsubscribe"] else "all"]
        text, sms, note = (
            self._plain.from_string(source).render(facts).strip()
            for source in (entry["text"], entry.get("sms", ""), foot["text"])
        )
        html = self._html.render(
            facts,
            text=text,
            note=note,
            subject=entry["subject"],
            lang=self.code,
            direction=self._locale.text_direction,
        )
        plain = "\n\n".join(part for part in (text, facts["url"], "-- \n" + note, facts["unsubscribe"]) if part)
        return Written(entry["subject"], plain + "\n", html, sms, self.code)


LANGUAGES = {path.stem: Words(path.stem) for path in sorted(FOLDER.glob("*.toml"))}


def words(language: str) -> Words:
    """The texts of a language, or those of the pages' own where there are none."""
    return LANGUAGES[choose([language], LANGUAGES, SOURCE_LANGUAGE)]


async def write(
    tx: ReadTx, message: Message, public_url: str, unsubscribe: str = "", link: Link | None = None
) -> Written | None:
    """A message as of now; None when there is nothing to tell any more. `link` makes the page that it leads to one that
    opens itself, of the purchase it is about, if it is of one. Raises NotFound when what it is about is not there."""
    facts = await _facts(tx, message)
    if facts is None:
        return None
    path = facts.pop("path")
    if link is not None:
        group = facts["group"].id if "group" in facts else facts["order"].group_id if "order" in facts else None
        path = link(path, None if group is None else parse("grp", group))
    facts |= {"url": public_url + path, "unsubscribe": unsubscribe}
    return words(message.language).written(message.kind, message.party, facts)


async def _facts(tx: ReadTx, message: Message) -> dict[str, Any] | None:
    """What the texts of a kind say, and the `path` of the page that says more."""
    if message.kind in OF_ITSELF:
        return {**message.data, "path": OF_ITSELF[message.kind]}
    if message.kind.startswith("payout_"):
        paid = Price(message.data["amount_minor"], message.data["currency"])
        return {"amount": paid, "path": "/seller/payouts"}
    if message.kind in GROUPS:
        group, views = await orders.group_detail(tx, message.cell, message.user_id, message.subject_id)
        if message.kind == "to_pay" and group.status != "awaiting_payment":
            return None  # it was paid at once, in installments, or is over
        return {"group": group, "views": views, "path": f"/orders/{group.id}"}
    if message.kind.startswith("dispute_"):
        return await _of_dispute(tx, message)
    if message.kind in ("plan_defaulted", "installments_due"):
        return await _of_plan(tx, message)
    if message.kind in OF_SELLER:
        return await _of_seller(tx, message)
    if message.kind == "refund_credited":
        return {"amount": Price(message.data["amount_minor"], message.data["currency"]), "path": "/account"}
    if message.kind.startswith("review_"):
        return await _of_review(tx, message)
    view = await orders.order_view(tx, message.cell, message.subject_id)
    part = None
    if "part_id" in message.data:
        shown = show("prt", UUID(message.data["part_id"]))
        part = next((part for part in view.parts if part.id == shown), None)
        if part is None:
            raise NotFound
    return {"view": view, "order": view.order, "part": part, "path": _page(message, view.order)}


def _of_chargeback(message: Message) -> dict[str, Any]:
    data, currency = message.data, message.data["currency"]
    return {
        "amount": Price(data["amount_minor"], currency), "lost": Price(data.get("paid_minor", 0), currency),
        "order_id": show("ord", UUID(data["order_id"])), "liable": data["liable"],
        "path": f"/seller/chargebacks/{show('cbk', UUID(data['chargeback_id']))}",
    }  # fmt: skip


async def _of_plan(tx: ReadTx, message: Message) -> dict[str, Any] | None:
    """None when it was paid meanwhile."""
    plan = await credit.plan_view(tx, message.cell, message.user_id, message.subject_id)
    owed = plan.due_minor if message.kind == "installments_due" else plan.payoff_minor
    return {"owed": Price(owed, plan.currency), "path": f"/account/installments/{plan.id}"} if owed else None


async def _of_seller(tx: ReadTx, message: Message) -> dict[str, Any]:
    if message.kind == "fee_invoice_issued":
        return {"invoice": (await invoices.read(tx, message.subject_id)).invoice, "path": "/seller/fees"}
    if message.kind == "webhook_disabled":
        url, id_ = await webhooks.url_of(tx, message.subject_id), show("whk", message.subject_id)
        return {"url_called": url, "reason": message.data["reason"], "path": f"/webhooks/{id_}"}
    if message.kind == "channel_oversold":
        return {"number": message.data["number"], "path": "/seller/channels"}
    if message.kind in ("charged_back", "charge_decided"):
        return _of_chargeback(message)
    if message.kind == "bank_account_added":
        return {"currency": message.data["currency"], "path": "/seller/payouts"}
    return {"amount": Price(message.data["amount_minor"], message.data["currency"]), "path": "/seller/fees"}


async def _of_review(tx: ReadTx, message: Message) -> dict[str, Any] | None:
    """None when what was hidden is shown again, or the other way round."""
    why = await reviews.hidden_why(tx, message.cell, message.subject_id)
    if (why is not None) != (message.kind == "review_hidden"):
        return None
    view = await orders.order_view(tx, message.cell, UUID(message.data["order_id"]))
    path = "/seller/reviews" if message.party == "seller" else f"/orders/{view.order.id}/reviews"
    return {"order": view.order, "why": why, "path": path}


async def _of_dispute(tx: ReadTx, message: Message) -> dict[str, Any] | None:
    view = await disputes.dispute_view(tx, message.cell, message.subject_id)
    if message.kind == "dispute_reminder" and view.dispute.status != message.data["status"]:
        return None  # it has moved on
    order = (await orders.order_view(tx, message.cell, UUID(message.data["order_id"]))).order
    due = message.data["due_at"]
    granted = message.data.get("granted_minor")
    return {
        "dispute": view.dispute, "lines": view.lines, "order": order, "status": message.data["status"],
        "due": None if due is None else datetime.fromisoformat(due),
        "granted": None if granted is None else Price(granted, view.dispute.claimed.currency),
        "path": _page(message, order),
    }  # fmt: skip


def _page(message: Message, order: orders.OrderBrief) -> str:
    return f"/seller/orders/{order.id}" if message.party == "seller" else f"/orders/{order.group_id}"
