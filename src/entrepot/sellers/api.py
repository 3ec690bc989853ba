"""Markets for everyone; sellers for the operator; who a seller is for itself, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, PUBLIC, SELLER, get, post, put
from entrepot.sellers import actions, identity, reads
from entrepot.sellers.types import (
    CountryNotValid,
    CurrencyNotTaken,
    Identity,
    Market,
    Seller,
    SellerId,
    SellerStatusIs,
    SlugTaken,
    TaxIdNotValid,
)

JUST_SAID = timedelta(microseconds=1)
"""What was said at a moment holds from it on, also in a reading of that very moment."""


class NewSeller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slug: Annotated[str, Meta(pattern=f"^[a-z0-9]([a-z0-9-]{{0,62}}[a-z0-9])?{ids.END}", examples=["acme"])]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Literal["third_party", "own"] = "third_party"
    commission_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None


class IdentityView(msgspec.Struct, frozen=True):
    """`identity` is null as long as nobody has said it."""

    identity: Identity | None


class SellerView(msgspec.Struct, frozen=True):
    id: str
    slug: str
    name: str
    kind: Literal["third_party", "own"]
    status: Literal["active", "suspended"]
    commission_bp: int | None
    created_at: str
    settles_in: str | None = None


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ISO 4217 currency that a seller is paid in; null: in what each sale was made in."""

    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{ids.END}", examples=["EUR"])] | None


class Markets(msgspec.Struct, frozen=True):
    items: list[Market]


class SellerPage(msgspec.Struct, frozen=True):
    """`next` is the `after` of the page that follows, null on the last."""

    items: list[SellerView]
    next: str | None


class SellerQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[str, ids.ref("sel")] | None = None
    limit: Annotated[int, Meta(ge=1, le=reads.PAGE_MAX)] = 50


SellerRef = Annotated[UUID, "sel"]


def _view(seller: Seller) -> SellerView:
    return SellerView(
        ids.show("sel", seller.id), seller.slug, seller.name, seller.kind, seller.status,  # type: ignore[arg-type]
        seller.commission_bp, seller.created_at.isoformat(), seller.settles_in,
    )  # fmt: skip


async def list_markets(tx: ReadTx) -> Markets:
    """The markets."""
    return Markets(await reads.markets(tx))


async def list_sellers(tx: ReadTx, query: SellerQuery) -> SellerPage:
    """The sellers, a page at a time."""
    after = SellerId(ids.parse("sel", query.after)) if query.after else None
    found = await reads.page(tx, after, query.limit)
    following = ids.show("sel", found[-1].id) if len(found) == query.limit else None
    return SellerPage([_view(seller) for seller in found], following)


async def open_seller(tx: Tx, body: NewSeller) -> SellerView:
    """Opens a seller in every market's currency."""
    seller = await actions.open_seller(
        tx, SellerId(ids.new_id(tx.now)), body.slug, body.name, body.kind,
        currencies=await reads.currencies(tx), commission_bp=body.commission_bp,
    )  # fmt: skip
    return _view(seller)


async def suspend_seller(tx: Tx, seller_id: SellerRef) -> SellerView:
    """Suspends a seller: nothing of it can be bought."""
    return _view(await actions.suspend(tx, SellerId(seller_id)))


async def reinstate_seller(tx: Tx, seller_id: SellerRef) -> SellerView:
    """Lets a suspended seller sell again."""
    return _view(await actions.reinstate(tx, SellerId(seller_id)))


async def read_settlement(tx: ReadTx, caller: Caller) -> Settlement:
    """In which currency the seller is paid."""
    assert caller.seller_id is not None
    return Settlement((await reads.seller(tx, SellerId(caller.seller_id))).settles_in)


async def set_settlement(tx: Tx, caller: Caller, body: Settlement) -> Settlement:
    """Says in which currency the seller is paid, from the next quotes on; sales in another are exchanged at the rate
    that is locked with each quote."""
    assert caller.seller_id is not None
    return Settlement((await actions.settle_in(tx, SellerId(caller.seller_id), body.currency)).settles_in)


async def read_own_identity(tx: ReadTx, request: Request, caller: Caller) -> IdentityView:
    """Who the seller is before the law, as it has said."""
    return await _identity(tx, request, _seller(caller))


async def read_identity(tx: ReadTx, request: Request, seller_id: SellerRef) -> IdentityView:
    """Who a seller is before the law."""
    return await _identity(tx, request, (await reads.seller(tx, SellerId(seller_id))).id)


async def read_house_identity(tx: ReadTx, request: Request) -> IdentityView:
    """Who the operator is before the law: the sender of statements and invoices."""
    return await _identity(tx, request, ids.NIL)


async def set_house_identity(tx: Tx, request: Request, caller: Caller, body: Identity) -> None:
    """Says who the operator is before the law, from now on."""
    await identity.say_identity(tx, request.app.state.keys, ids.NIL, body, caller.user_id)


async def _identity(tx: ReadTx, request: Request, seller_id: UUID) -> IdentityView:
    found = await identity.identities(tx, request.app.state.keys, [seller_id], tx.now + JUST_SAID)
    return IdentityView(found.get(seller_id))


def _seller(caller: Caller) -> UUID:
    assert caller.seller_id is not None, "a seller's session names its seller"
    return caller.seller_id


routes = [
    get("/v1/markets", list_markets, access=PUBLIC),
    get("/v1/sellers", list_sellers, access=OPERATOR),
    post("/v1/sellers", open_seller, access=OPERATOR, raises=(SlugTaken,), status=201, key="taken"),
    get("/v1/seller/settlement", read_settlement, access=SELLER),
    put("/v1/seller/settlement", set_settlement, access=SELLER, raises=(CurrencyNotTaken,)),
    post("/v1/sellers/{seller_id}/suspend", suspend_seller, access=OPERATOR, raises=(SellerStatusIs,), key="taken"),
    post("/v1/sellers/{seller_id}/reinstate", reinstate_seller, access=OPERATOR, raises=(SellerStatusIs,), key="taken"),
    get("/v1/seller/identity", read_own_identity, access=SELLER),
    get("/v1/sellers/{seller_id}/identity", read_identity, access=OPERATOR),
    get("/v1/operator/identity", read_house_identity, access=OPERATOR),
    put(
        "/v1/operator/identity",
        set_house_identity,
        access=OPERATOR,
        raises=(CountryNotValid, TaxIdNotValid),
        key="taken",
    ),
]
