"""May it be sold: the rules of countries about what a product is, and who may sell it all the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import sellers
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.trade import store
from entrepot.trade import store_restrictions as rows
from entrepot.trade.readings import Ruling
from entrepot.trade.store_restrictions import Contact, PermitRow, RuleRow
from entrepot.trade.types import COUNTRIES, Barrier, Sale

MAX_RULES = 500
MAX_PERMITS = 500
UNCHANGED = ("DELETE 0", "INSERT 0 0")
"""What PostgreSQL says of a set that is put in the place of the same."""


class Judged(NamedTuple):
    """What the rules say of a sale today, and the first moment at which they will say more."""

    rules: list[Barrier]
    until: datetime | None


async def steady(tx: Tx) -> None:
    """Keeps the rules as they are until the transaction ends. Who changes them waits for it, and then finds what it has
    done by the old ones."""
    await tx.run(rows.HOLD_RULES)


async def before_change(tx: Tx) -> None:
    """Who changes the rules, or what a product is, calls it first: it waits for the quotes that go by what was, and
    those to come wait for this transaction."""
    await tx.run(rows.LOCK_RULES)


async def judge(tx: ReadTx, country: str, sales: Sequence[Sale]) -> list[Judged]:
    """What the rules of a country, on this day in UTC, say of each sale, in order; one statement for all."""
    today = tx.now.date()
    standing = await tx.all(
        rows.STANDING, country=country, at=today, variants=[sale.variant_id for sale in sales],
        sellers=[sale.seller_id for sale in sales], froms=[sale.from_country for sale in sales],
    )  # fmt: skip
    judged = [Judged([], None) for _ in sales]
    for one in standing:
        rules, until = judged[one.ord - 1]
        if one.begins <= today:
            rules.append(one.rule)
        elif until is None or one.begins < until.date():
            judged[one.ord - 1] = Judged(rules, datetime.combine(one.begins, time(), UTC))
    return judged


async def rules_for(tx: ReadTx, country: str, variant_ids: Collection[int]) -> list[Barrier]:
    """The rules of a country that are about any of these variants today, whoever sells them from wherever."""
    return await tx.all(rows.OF_VARIANTS, country=country, variant_ids=sorted(variant_ids), at=tx.now.date())


async def rules_of(tx: ReadTx, country: str, at: date) -> list[RuleRow]:
    """The rules of a country that hold on a day or will, at most MAX_RULES."""
    return await tx.all(rows.RULES, country=country, at=at, limit=MAX_RULES)


async def countries(tx: ReadTx) -> list[str]:
    """The countries that have rules."""
    return await tx.all(rows.COUNTRIES)


async def put(tx: Tx, source: str, rulings: Sequence[Ruling]) -> bool:
    """Puts the rules of a source in the place of those that it gave before; whether there were some. Nobody is told of
    the first rules of all: they come with the installation."""
    if not rulings and not await tx.all(rows.OF_SOURCE, source=source):
        return False
    await before_change(tx)
    known, before = await countries(tx), await tx.all(rows.OF_SOURCE, source=source)
    await tx.run(rows.FORGET_RULES, source=source)
    await tx.run(
        rows.ADD_RULES, source=source, countries=[one.country for one in rulings],
        facts=[msgspec.to_builtins(one.fact) for one in rulings], begins=[one.valid_from for one in rulings],
        ends=[one.valid_to for one in rulings], citations=[one.citation for one in rulings],
    )  # fmt: skip
    if known and await tx.all(rows.OF_SOURCE, source=source) != before:
        await tell(tx)
    return bool(before)


async def set_traits(tx: Tx, variant_id: int, traits: Collection[str], cell: int, seller_id: UUID | None) -> list[str]:
    """What a variant is, in the place of what the same seller said before: it holds for that seller's offers. What the
    operator (None) says holds for all, and takes the place of what anybody said. Raises NotFound for a variant that is
    not there, or that the seller does not offer."""
    if seller_id is None:
        known = await tx.maybe(store.VARIANT, variant_id=variant_id)
    else:
        known = await tx.maybe(store.OFFERED_BY, cell=cell, seller_id=seller_id, variant_id=variant_id)
    if known is None:
        raise NotFound
    await before_change(tx)
    tx.was(traits=await tx.all(rows.TRAITS, variant_id=variant_id))
    gone = await tx.run(rows.FORGET_TRAITS, variant_id=variant_id, said_by=seller_id, traits=sorted(traits))
    new = await tx.run(rows.ADD_TRAITS, variant_id=variant_id, said_by=seller_id, traits=sorted(traits))
    if (gone, new) != UNCHANGED:
        await tell(tx, [variant_id])
    return await tx.all(rows.TRAITS, variant_id=variant_id)


async def traits(tx: ReadTx, variant_id: int) -> list[str]:
    """What a variant is said to be, beside what its categories say. Raises NotFound."""
    if await tx.maybe(store.VARIANT, variant_id=variant_id) is None:
        raise NotFound
    return await tx.all(rows.TRAITS, variant_id=variant_id)


async def set_category_traits(tx: Tx, slug: str, traits: Collection[str]) -> None:
    """What all that lies in a category, or below it, is. Raises NotFound."""
    category = await tx.maybe(rows.CATEGORY, slug=slug)
    if category is None:
        raise NotFound
    await before_change(tx)
    tx.was(traits=await tx.all(rows.CATEGORY_TRAITS, category_id=category))
    gone = await tx.run(rows.FORGET_CATEGORY_TRAITS, category_id=category, traits=sorted(traits))
    new = await tx.run(rows.ADD_CATEGORY_TRAITS, category_id=category, traits=sorted(traits))
    if (gone, new) != UNCHANGED:
        await tell(tx)


async def category_traits(tx: ReadTx, slug: str) -> list[str]:
    """Raises NotFound."""
    category = await tx.maybe(rows.CATEGORY, slug=slug)
    if category is None:
        raise NotFound
    return await tx.all(rows.CATEGORY_TRAITS, category_id=category)


async def grant_permit(tx: Tx, seller_id: UUID, country: str, name: str, number: str, valid_to: date | None,
                       granted_by: UUID) -> None:  # fmt: skip
    """Notes that a seller has shown the permit `number` that the rule `name` of a country asks for; it holds until
    before `valid_to`. Raises NotFound for an unknown seller, and for a rule that asks for none."""
    await before_change(tx)
    await sellers.seller(tx, sellers.SellerId(seller_id))
    if await tx.maybe(rows.RULE_WITH_PERMIT, country=country, name=name) is None:
        raise NotFound
    await tx.run(
        rows.GRANT, seller_id=seller_id, country=country, name=name, number=number, valid_to=valid_to,
        granted_by=granted_by, now=tx.now,
    )  # fmt: skip
    tx.emit("permit_granted", seller_id, {"country": country, "name": name, "user_id": granted_by})
    await tell(tx)  # it may end sooner than the one before


async def withdraw_permit(tx: Tx, seller_id: UUID, country: str, name: str, user_id: UUID) -> None:
    """Raises NotFound for a permit that nobody has granted."""
    await before_change(tx)
    if await tx.maybe(rows.WITHDRAW, seller_id=seller_id, country=country, name=name) is None:
        raise NotFound
    tx.emit("permit_withdrawn", seller_id, {"country": country, "name": name, "user_id": user_id})
    await tell(tx)


async def permits(tx: ReadTx, country: str) -> list[PermitRow]:
    """The permits for a country's rules by seller, at most MAX_PERMITS."""
    return await tx.all(rows.PERMITS, country=country, limit=MAX_PERMITS)


async def say_contact(tx: Tx, seller_id: UUID, contact: Contact) -> None:
    """Who answers for a seller's goods in a country, in the place of whom it named before. Raises NotFound for what is
    no country."""
    if contact.country not in COUNTRIES:
        raise NotFound
    tx.was(contact=next((one for one in await contacts(tx, seller_id) if one.country == contact.country), None))
    await tx.run(rows.SAY_CONTACT, seller_id=seller_id, now=tx.now, **msgspec.structs.asdict(contact))


async def remove_contact(tx: Tx, seller_id: UUID, country: str) -> None:
    """Nobody answers there any more: what needs it is not sold. Raises NotFound."""
    await before_change(tx)
    if await tx.maybe(rows.FORGET_CONTACT, seller_id=seller_id, country=country) is None:
        raise NotFound
    await tell(tx)


async def contacts(tx: ReadTx, seller_id: UUID) -> list[Contact]:
    """Whom a seller has named, by country."""
    return await tx.all(rows.CONTACTS, seller_id=seller_id)


async def tell(tx: Tx, variant_ids: Sequence[int] | None = None) -> None:
    """Has each cell look again at what was promised there by what was known before: of these variants, or of all."""
    for cell in await cells(tx):
        tx.emit("sale_rules_changed", NIL, {} if variant_ids is None else {"variants": list(variant_ids)}, cell)
