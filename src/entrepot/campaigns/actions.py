"""Opening campaigns, ending them, and putting back what they did not sell."""

from __future__ import annotations

from uuid import UUID

from entrepot import bonded, catalog, inventory, orders, platform, sellers
from entrepot.campaigns import store
from entrepot.campaigns.types import MAX_OFFERS, CampaignOver, NewCampaign
from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id
from entrepot.kit.log import log
from entrepot.kit.problem import Malformed, NotFound
from entrepot.trade import NotSoldThere

SETTLED_MAX = 500
"""Offers that one `settle` takes on."""


async def open_campaign(tx: Tx, new: NewCampaign) -> UUID:
    """Sets the goods of a campaign aside and makes its offers, all in the cell of their sellers; its id.

    Raises NotFound for an unknown market, and for offers that are not of this market and one cell or cannot be bought;
    Malformed, also for a bundle, which has no goods of its own to set aside, and for what lies in bond, which would be
    imported without its duty; NotSoldThere by the law of the market's
    country; StockPromised when there is too little."""
    market = await sellers.market(tx, new.market)
    if new.ends_at <= max(new.starts_at, tx.now):
        raise Malformed("ends_at must be later than starts_at and than now")
    asked = {offer.offer_id: offer for offer in new.offers}
    if not 1 <= len(new.offers) <= MAX_OFFERS or len(asked) < len(new.offers):
        raise Malformed(f"give 1 to {MAX_OFFERS} offers, each once")
    cell, shelf = await _shelf(tx, list(asked))
    if sum(facts.buyable and facts.market == new.market for facts in shelf) < len(asked):
        raise NotFound
    shelves = [facts.stock_id for facts in shelf if facts.stock_id is not None]
    if len(shelves) < len(shelf):
        raise Malformed("a campaign sells no bundles")
    if await bonded.warehouses(tx, cell, [facts.location_id for facts in shelf]):
        raise Malformed("a campaign sells nothing that lies in bond")
    for offer_id, judged in (await orders.judge_offers(tx, market.country, shelf)).items():
        if judged.blocked is not None:
            raise NotSoldThere(offer_id, market.country or "", judged.blocked)
    id_ = new_id(tx.now)
    units = [asked[facts.offer_id].units for facts in shelf]
    stocks = await inventory.set_aside(tx, cell, shelves, units, id_)
    sold = [
        await catalog.add_offer(
            tx, cell,
            catalog.NewOffer(
                facts.seller_id, facts.variant_id, new.market, facts.location_id, stock,
                asked[facts.offer_id].unit_price_minor, "campaign",
            ),
        )
        for facts, stock in zip(shelf, stocks, strict=True)
    ]  # fmt: skip
    await tx.run(
        store.ADD, cell=cell, id=id_, market=new.market, name=new.name, starts_at=new.starts_at, ends_at=new.ends_at
    )
    await tx.run(store.ADD_LINE, cell=cell, id=id_, admit_per_s=new.admit_per_s, served_at=new.starts_at)
    await tx.run(
        store.ADD_OFFERS, cell=cell, id=id_, offers=[offer.id for offer in sold],
        shelf_offers=[facts.offer_id for facts in shelf], stocks=stocks, units=units,
        max_per_buyers=[asked[facts.offer_id].max_per_buyer for facts in shelf],
    )  # fmt: skip
    tx.emit("campaign_opened", id_, {"offer_ids": [offer.id for offer in sold]}, cell)
    return id_


async def _shelf(tx: Tx, offer_ids: list[int]) -> tuple[int, list[catalog.OfferFacts]]:
    """The first cell that has any of these offers, and those that it has, in order. Raises NotFound."""
    for cell in await cells(tx):
        if found := await catalog.offers_for_quote(tx, cell, offer_ids):
            return cell, sorted(found, key=lambda facts: offer_ids.index(facts.offer_id))
    raise NotFound


async def end_campaign(tx: Tx, campaign_id: UUID) -> None:
    """Ends a campaign now. Raises NotFound and CampaignOver."""
    cell = await _lock(tx, campaign_id)
    await tx.run(store.END, cell=cell, id=campaign_id, now=tx.now)
    tx.emit("campaign_ended", campaign_id, {}, cell)


async def set_admission(
    tx: Tx, campaign_id: UUID, admit_per_s: int | None, user_id: UUID, rehearsal_id: UUID | None = None
) -> None:
    """Lets so many in line in each second from now on, as `user_id` says; None: nobody needs to wait. Raises NotFound,
    CampaignOver."""
    cell = await _lock(tx, campaign_id)
    tx.was(admit_per_s=await tx.maybe(store.ADMISSION, cell=cell, id=campaign_id))
    await tx.run(store.SET_ADMISSION, cell=cell, id=campaign_id, admit_per_s=admit_per_s, now=tx.now)
    said = {"admit_per_s": admit_per_s, "user_id": user_id, "rehearsal_id": rehearsal_id}
    tx.emit("campaign_admission_set", campaign_id, said, cell)
    log("campaign_admission_set", campaign=campaign_id, **said)


async def admit_as_rehearsed(tx: Tx, campaign_id: UUID, rehearsal_id: UUID, user_id: UUID) -> None:
    """Lets in what a rehearsal has proposed. Raises NotFound, CampaignOver, and Malformed for a rehearsal that held
    less than an order a second."""
    found = await platform.rehearsal(tx, rehearsal_id)
    if not found.admit_per_s:
        raise Malformed("this rehearsal proposes to let nobody in")
    await set_admission(tx, campaign_id, found.admit_per_s, user_id, rehearsal_id)


async def _lock(tx: Tx, campaign_id: UUID) -> int:
    """Locks a campaign that is not over; its cell."""
    cell = await tx.maybe(store.CELL_OF, id=campaign_id)
    if cell is None:
        raise NotFound
    ends_at = await tx.one(store.LOCK, cell=cell, id=campaign_id)
    if ends_at <= tx.now:
        raise CampaignOver(ends_at)
    return cell


async def settle(tx: Tx, cell: int) -> int:
    """Puts back what campaigns that are over have not sold, and what is given back to them later; of how many offers.
    An offer whose goods have all gone is settled for good."""
    due = await tx.all(store.DUE, cell=cell, now=tx.now, limit=SETTLED_MAX)
    if due:
        await inventory.put_back(tx, cell, [row.stock_id for row in due])
    gone = [row.offer_id for row in due if row.on_hand == 0]
    if gone:
        await tx.run(store.SETTLED, cell=cell, offers=gone)
    return len(due)
