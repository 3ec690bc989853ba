"""`entrepot markets`: a market (a country site) is a file. Those of packs/*.toml ship; one of your own is a file as
they are, and needs no code.

A file has what sellers.Market and sellers.Terms say of a market, its shipping services, with amounts as people write
them, which ways of paying it offers (without any, all), by which clock it delivers, by which terms currencies are
exchanged there, and whose holidays people keep. To add a market again changes nothing, but for its ways of paying,
terms that begin later, services that are new, and the holidays of further years."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

import holidays
import msgspec
from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies

from entrepot import exchange, pricing, sellers, trade
from entrepot.exchange import ExchangeTerms
from entrepot.kit.clock import Clock
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.money import minor_of
from entrepot.pricing import ShippingService
from entrepot.sellers import Market, Terms
from entrepot.settings import Settings

DAY_S = 86_400
YEARS = 6
"""Holidays are put down for so many years, the last one first; to add the market again puts down the next."""


Way = Literal["wallet", "stripe", "sandbox", "installments"]
"""Of paying."""


class MarketsError(Exception):
    """Says in one line what is wrong with which file, and the remedy."""


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shipping service; amounts are in the market's currency, `days` is how long it is usually under way."""

    code: str
    name: str
    base: str
    item: str = "0"
    days: Decimal = Decimal(3)
    incoterm: str = "DAP"
    clearance: str = "0"
    carried: str = "courier"


class Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`of` is a country, or a subdivision of one (DE-BE), whose weekends and public holidays the package `holidays`
    knows; `off` are days that are free beside those, and on days of `works` people work all the same."""

    of: str
    off: list[sellers.DayOff] = []
    works: list[date] = []


class MarketFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str
    country: str
    currency: str
    language: str
    prices_with_tax: bool
    terms: list[dict[str, Any]]
    shipping: list[Service]
    exchange: list[dict[str, Any]] = []
    holidays: Days | None = None
    payments: list[Way] = []
    time_zone: str = "UTC"


class Plan(msgspec.Struct, frozen=True):
    """A market's file, read."""

    market: Market
    terms: list[Terms]
    services: list[ShippingService]
    exchange: list[ExchangeTerms]
    holidays: Days | None


def shipped() -> list[str]:
    """The codes of the markets in this package."""
    folder = resources("entrepot.markets") / "packs"
    return sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))


def plan_of(name: str) -> Plan:
    """A market that ships, by its code, or a file. Raises MarketsError."""
    if name.endswith(".toml"):
        try:
            return read(name, Path(name).read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise MarketsError(f"{name}: {error}") from None
    if name not in shipped():
        raise MarketsError(f"there is no market {name}: say a file, or one of {', '.join(shipped())}")
    return read(name, (resources("entrepot.markets") / "packs" / f"{name}.toml").read_text())


def read(name: str, text: str) -> Plan:
    """Raises MarketsError, which says what is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(text), MarketFile)
        if file.currency not in list_currencies():
            raise ValueError(f"{file.currency!r} is no currency's ISO code")
        if not file.terms or not file.shipping:
            raise ValueError("a market has terms and shipping services")
        Locale.parse(file.language, sep="-")
        if file.country not in Locale("en").territories or len(file.country) != 2:
            raise ValueError(f"{file.country!r} is no country's ISO code")
        if file.time_zone not in available_timezones():
            raise ValueError(f"{file.time_zone!r} is no time zone as in Europe/Berlin")
        market = Market(
            file.code, file.name, file.currency, file.language, file.country, file.prices_with_tax, list(file.payments),
            file.time_zone,
        )  # fmt: skip
        terms = [msgspec.convert({**one, "market": file.code}, Terms) for one in file.terms]
        exchanges = [msgspec.convert({**one, "market": file.code}, ExchangeTerms) for one in file.exchange]
        if any(one.tzinfo is None for one in [one.valid_from for one in terms] + [one.valid_from for one in exchanges]):
            raise ValueError("valid_from of terms must be a time with its zone")
        if file.holidays is not None:
            _days(file.holidays, 2026)
        services = [_service(market, one, position) for position, one in enumerate(file.shipping, 1)]
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnknownLocaleError, ValueError) as error:
        raise MarketsError(f"{name}: {error}") from None
    terms.sort(key=lambda one: one.valid_from)
    return Plan(market, terms, services, sorted(exchanges, key=lambda one: one.valid_from), file.holidays)


def _service(market: Market, one: Service, position: int) -> ShippingService:
    base, item, clearance = (minor_of(text, market.currency) for text in (one.base, one.item, one.clearance))
    if one.carried not in ("post", "courier"):
        raise ValueError(f"shipping {one.code}: carried is post or courier")
    if one.incoterm not in ("DAP", "DDP") or not 0 < one.days <= 365:
        raise ValueError(f"shipping {one.code}: incoterm is DAP or DDP, days from a part of one to 365")
    return ShippingService(
        market.code,
        one.code,
        one.name,
        base,
        item,
        int(one.days * DAY_S),
        position,
        one.incoterm,
        clearance,
        one.carried,
    )


def _days(said: Days, year: int) -> tuple[list[int], list[sellers.DayOff]]:
    """ISO weekdays on which nobody works, and the days off of so many YEARS from the one before `year` on. Raises
    ValueError for a country or subdivision that the package does not know."""
    country, _, subdivision = said.of.partition("-")
    try:
        words = holidays.country_holidays(country).default_language  # else those of this machine
        years = range(year - 1, year - 1 + YEARS)
        known = holidays.country_holidays(country, subdivision or None, years, language=words)
    except NotImplementedError as error:
        raise ValueError(f"holidays: {error}") from None
    names = {day: name for day, name in known.items() if day not in said.works}
    names |= {one.day: one.name for one in said.off}
    return [day + 1 for day in sorted(known.weekend)], [sellers.DayOff(*pair) for pair in sorted(names.items())]


async def add(tx: Tx, plan: Plan) -> None:
    """Raises MarketExists, TermsNotLater, ExchangeTermsNotLater and ShippingServiceExists for what would change what is
    there."""
    await sellers.add_market(tx, plan.market)
    for terms in plan.terms:
        await sellers.set_terms(tx, terms)
    for service in plan.services:
        await pricing.add_shipping_service(tx, service)
    for exchanged in plan.exchange:
        await exchange.set_terms(tx, exchanged)
    if plan.holidays is not None:
        weekend, days = _days(plan.holidays, tx.now.year)
        await sellers.set_calendar(tx, plan.market.code, weekend, days, f"holidays {version('holidays')}")


async def told(tx: ReadTx) -> list[str]:
    """A line for each market: what it is, and what is known of its country."""
    today, lines = tx.now.date(), []
    for market in await sellers.markets(tx):
        country = market.country or ""
        law = "customs law" if await trade.has_law(tx, country, today) else "no customs law"
        rules = len(await trade.rules_of(tx, country, today))
        services = len(await pricing.services(tx, market.code))
        lines.append(
            f"{market.code:<6}{market.name:<22}{country or '-':<4}{market.currency:<5}{market.language:<7}"
            f"{'with tax' if market.prices_with_tax else 'without tax':<13}"
            f"{services} services, {law}, {rules} rules of sale"
        )
    return lines


def run(settings: Settings, verb: str, names: Sequence[str], clock: Clock | None = None) -> None:
    """Adds markets, all or none of them, or lists those that are there. Raises MarketsError."""
    if verb == "add" and not names:
        raise MarketsError(f"say which: all, a file, or some of {', '.join(shipped())}")
    wanted = [one for name in names for one in (shipped() if name == "all" else [name])] if verb == "add" else []
    plans = [plan_of(name) for name in wanted]

    async def work() -> list[str]:
        db = await Database.open(settings.database_url, clock)
        try:
            async with db.write() as tx:
                for plan in plans:
                    await add(tx, plan)
                return await told(tx)
        finally:
            await db.close()

    print("\n".join(asyncio.run(work())) or "there is no market yet: entrepot markets add")
