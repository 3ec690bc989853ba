"""Which rules find a purchase odd: facts in, reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx
import msgspec

from entrepot.fraud.types import Facts, Hook, HookNotValid, Rule
from entrepot.kit.strangers import HERE, is_public, literal


def judge(facts: Facts, rules: Sequence[Rule]) -> list[tuple[Rule, str]]:
    """The rules that find it odd, each with what it has seen."""
    return [(rule, why) for rule in rules if (why := _odd(facts, rule)) is not None]


def _odd(facts: Facts, rule: Rule) -> str | None:
    if rule.amount_minor and (facts.currency != rule.currency or facts.paid_minor < rule.amount_minor):
        return None
    since = facts.placed_at - timedelta(seconds=rule.within_s)
    if rule.kind == "new_account":
        minutes = int((facts.placed_at - facts.registered_at).total_seconds()) // 60
        return f"account of {minutes} min" if facts.registered_at > since else None
    if rule.kind == "guest":
        return "no account" if facts.guest else None
    if rule.kind == "country":
        if not facts.market_country or facts.country in ("", facts.market_country):
            return None
        return f"{facts.market_country} -> {facts.country}"
    seen = _count({"buyer": facts.bought, "address": facts.same_address}.get(rule.kind, facts.failed), since)
    return f"{seen} in {rule.within_s} s" if seen >= rule.count else None


def _count(times: Sequence[datetime], since: datetime) -> int:
    return sum(time > since for time in times)


class Asked(msgspec.Struct, frozen=True):
    """What the service is told: ids, amounts, countries and counts, and nothing that says who somebody is."""

    order_id: str
    group_id: str
    buyer_id: str
    market: str
    country: str
    currency: str
    paid_minor: int
    placed_at: datetime
    registered_at: datetime
    bought_in_a_day: int
    same_address_in_a_day: int
    failed_in_a_day: int
    guest: bool


class Answer(msgspec.Struct, frozen=True):
    """What it answers: `decision` is allow or hold, `reason` is shown to the operator."""

    decision: str
    reason: str = ""


def asked(order_id: str, group_id: str, buyer_id: str, facts: Facts) -> bytes:
    """The question about an order, as it is sent."""
    day = facts.placed_at - timedelta(days=1)
    return msgspec.json.encode(
        Asked(
            order_id, group_id, buyer_id, facts.market, facts.country, facts.currency, facts.paid_minor,
            facts.placed_at, facts.registered_at, _count(facts.bought, day), _count(facts.same_address, day),
            _count(facts.failed, day), facts.guest,
        )
    )  # fmt: skip


def answered(body: bytes) -> Answer | None:
    """None for what is no answer."""
    try:
        answer = msgspec.json.decode(body, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return answer if answer.decision in ("allow", "hold") else None


def require_valid(hook: Hook, *, private: bool) -> None:
    """Raises HookNotValid, also for what our client would not ask. Where a name leads is seen when it is called; with
    `private` it may lead into a private network."""
    try:
        url = httpx.URL(hook.url)
        address, is_here = literal(url.host), url.host in HERE
        is_safe = is_here or private or address is None or is_public(address)
        is_sealed = url.scheme == "https" or (url.scheme == "http" and is_here)
        is_valid = is_safe and is_sealed and url.host and (url.port is None or url.port < 65_536)
    except (httpx.InvalidURL, ValueError):
        raise HookNotValid from None
    if not is_valid:
        raise HookNotValid
