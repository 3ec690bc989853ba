"""The shop's windows: home, categories, search, a product."""

from __future__ import annotations

from starlette.responses import Response

from entrepot import accounts, catalog, orders, reviews, search, trade
from entrepot.catalog import Category
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound
from entrepot.orders import AtDoor
from entrepot.platform import Switch
from entrepot.search import ProductOffer
from entrepot.trade import NotSoldThere, TradeProblem
from entrepot.web.campaigns import campaigns_of
from entrepot.web.reviews import ON_PRODUCT, ratings_of
from entrepot.web.visit import Visit, page
from entrepot.web.words import REPORT_REASONS

POPULAR = 10
PER_PAGE = 24


async def home(tx: ReadTx, visit: Visit) -> Response:
    """What others bought lately, or, in a shop that has just opened or is very busy, what is there; campaigns; and the
    way to everything else."""
    market = await visit.market(tx)
    resting = await visit.switches.off(Switch.RECOMMENDATIONS) is not None
    bought = [] if resting else await orders.bought_lately(tx, POPULAR * 2)
    cards = [card for card in await search.cards(tx, market.code, bought, visit.language.code) if card.available][
        :POPULAR
    ]
    popular = bool(cards)
    if not popular:
        cards = (await search.listing(tx, market.code, None, 0, POPULAR, visit.language.code)).items
    tops = [category for category in await catalog.categories(tx) if category.parent_id is None]
    return await visit.show(
        tx, "home.html", cards=cards, popular=popular, resting=resting, categories=tops,
        campaigns=await campaigns_of(visit, market.code), ratings=await ratings_of(tx, visit, cards),
    )  # fmt: skip


async def all_categories(tx: ReadTx, visit: Visit) -> Response:
    found = await catalog.categories(tx)
    below: dict[int | None, list[Category]] = {}
    for category in found:
        below.setdefault(category.parent_id, []).append(category)
    return await visit.show(tx, "categories.html", below=below)


async def category(tx: ReadTx, visit: Visit) -> Response:
    market = await visit.market(tx)
    all_ = {c.id: c for c in await catalog.categories(tx)}
    here = next((c for c in all_.values() if c.slug == visit.param("slug")), None)
    if here is None:
        raise NotFound
    trail = [here]
    while (parent := trail[0].parent_id) is not None:
        trail.insert(0, all_[parent])
    below = [c for c in all_.values() if c.parent_id == here.id]
    listed = await search.listing(
        tx, market.code, here.slug, visit.query_number("after"), PER_PAGE, visit.language.code
    )
    rated = await ratings_of(tx, visit, listed.items)
    return await visit.show(tx, "category.html", here=here, trail=trail, below=below, listed=listed, ratings=rated)


async def find(tx: ReadTx, visit: Visit) -> Response:
    """Search with facets. Without words there is nothing to find yet."""
    market = await visit.market(tx)
    words = visit.query("q").strip()
    chosen = visit.query("category") or None
    found = None
    plain = await visit.switches.off(Switch.FACETS) is not None
    if words:
        after = visit.query_number("after")
        found = await search.found(tx, market.code, words, chosen, after, PER_PAGE, visit.language.code, plain=plain)
    rated = await ratings_of(tx, visit, found.items) if found else {}
    return await visit.show(tx, "search.html", words=words, chosen=chosen, found=found, plain=plain, ratings=rated)


async def product(tx: ReadTx, visit: Visit) -> Response:
    market = await visit.market(tx)
    shown = await search.product(tx, market.code, visit.param("slug"), visit.language.code)
    titles = {variant.id: variant.title for variant in shown.variants}
    resting = await visit.switches.off(Switch.RECOMMENDATIONS) is not None
    near = [] if resting else (await search.listing(tx, market.code, shown.category, 0, 7, visit.language.code)).items
    best = next((offer for offer in shown.offers if offer.available), None)
    door = None if best is None else await _door(tx, visit, best)
    near = [card for card in near if card.id != shown.id][:6]
    reviewed = await visit.switches.off(Switch.REVIEWS) is None
    rated = await reviews.ratings(tx, [shown.id, *(card.id for card in near)]) if reviewed else {}
    said = await reviews.of_product(tx, shown.id, limit=ON_PRODUCT) if shown.id in rated else []
    here = market.country
    abroad = (
        best is not None and here is not None and await trade.is_import(tx, best.ship_from_country, here, tx.now.date())
    )
    return await visit.show(
        tx, "product.html", product=shown, titles=titles, door=door, abroad=abroad,
        near=near, ratings=rated, said=said, reasons=REPORT_REASONS,
        may_buy=visit.caller is None or visit.caller.role is Role.BUYER,
    )  # fmt: skip


async def _door(tx: ReadTx, visit: Visit, best: ProductOffer) -> AtDoor | str | None:
    """What the best offer costs at the door of the buyer's latest address, when it is imported there; that country
    when it cannot be sent there."""
    if visit.caller is None or visit.caller.role is not Role.BUYER:
        return None
    addresses = await accounts.addresses(tx, visit.me.cell, visit.me.user_id)
    if not addresses or addresses[-1].country == best.ship_from_country:
        return None
    try:
        door = await orders.at_door(tx, best.id, addresses[-1].country)
    except (NotSoldThere, TradeProblem):
        return addresses[-1].country
    return door if door.crosses else None


routes = [
    page("/", home),
    page("/categories", all_categories),
    page("/c/{slug}", category),
    page("/search", find),
    page("/p/{slug}", product),
]
