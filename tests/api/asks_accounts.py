"""Guests, addresses and what proves an e-mail: for each route a request that is granted."""

from __future__ import annotations

from uuid import UUID

from entrepot import accounts
from entrepot.kit.auth import Role
from entrepot.kit.ids import parse
from tests.api.asks import ADDRESS, ask, plain
from tests.api.stage import Ask, Stage, number


@ask("POST /v1/guests")
async def _(_: Stage) -> Ask:
    return Ask("/v1/guests", {"email": f"guest{number()}@example.org"})


async def _guest(stage: Stage) -> tuple[UUID, str]:
    """A guest who has bought, and what its letter's link has."""
    buyer = await stage.shop.buyer()
    quote = await buyer.quote([(await stage.shop.offer(stage.shop.sellers[0], 100, 9), 1)])
    group = (await buyer.place(quote, method="sandbox")).json()["id"]
    async with stage.shop.db.write() as tx:
        await tx.conn.execute("insert into accounts.guest values (0, $1, $2)", buyer.id, f"g{number()}@example.org")
        await accounts.keep_link(tx, stage.shop.keys, buyer.id, parse("grp", group))
    return buyer.id, accounts.link_token(stage.shop.keys, buyer.id, parse("grp", group))


@ask("PUT /v1/guests/me")
async def _(stage: Stage) -> Ask:
    """The same guest each time: a key is of one caller."""
    if "guest" not in vars(stage):
        vars(stage)["guest"] = (await _guest(stage))[0]
    token = stage.shop.keys.session(Role.BUYER, vars(stage)["guest"], stage.shop.clock.now(), guest=True)
    return Ask("/v1/guests/me", {"email": "guest@example.org"}, who={"authorization": f"Bearer {token}"})


@ask("POST /v1/guests/links")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/guests/links", {"token": (await _guest(stage))[1]})


async def _registered(stage: Stage) -> tuple[UUID, dict[str, str]]:
    email = f"reg{number()}@example.org"
    async with stage.shop.db.write() as tx:
        user = (await accounts.register_buyer(tx, email, "R", "x")).user_id
        token = accounts.proof_token(stage.shop.keys, user, email, tx.now)
        await accounts.prove(tx, stage.shop.keys, user, token)
    return user, stage.shop.session(Role.BUYER, user)


@ask("POST /v1/accounts/me/proof")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/accounts/me/proof", who=(await _registered(stage))[1])


@ask("POST /v1/accounts/proofs")
async def _(stage: Stage) -> Ask:
    email = f"proof{number()}@example.org"
    async with stage.shop.db.write() as tx:
        user = (await accounts.register_buyer(tx, email, "R", "x")).user_id
    token = accounts.proof_token(stage.shop.keys, user, email, stage.shop.clock.now())
    return Ask("/v1/accounts/proofs", {"token": token}, who=stage.shop.session(Role.BUYER, user))


plain("GET /v1/guest-groups")


@ask("POST /v1/guest-groups/{group_id}/session")
async def _(stage: Stage) -> Ask:
    user, who = await _registered(stage)
    buyer = await stage.shop.buyer()
    quote = await buyer.quote([(await stage.shop.offer(stage.shop.sellers[0], 100, 9), 1)])
    group = (await buyer.place(quote, method="sandbox")).json()["id"]
    async with stage.shop.db.write() as tx:
        await tx.conn.execute(
            "insert into accounts.guest select 0, $1, email from accounts.login where user_id = $2", buyer.id, user
        )
    return Ask(f"/v1/guest-groups/{group}/session", who=who)


@ask("GET /v1/address-forms/{country}")
async def _(_: Stage) -> Ask:
    return Ask("/v1/address-forms/CN", query={"region": "广东省"})


@ask("POST /v1/addresses")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/addresses", ADDRESS)


@ask("DELETE /v1/addresses/{address_id}")
async def _(stage: Stage) -> Ask:
    added = await stage.buyer.send("POST", "/v1/addresses", ADDRESS)
    assert added.status_code == 201, added.text
    return Ask(f"/v1/addresses/{added.json()['id']}")


@ask("PUT /v1/addresses/{address_id}/default")
async def _(stage: Stage) -> Ask:
    added = await stage.buyer.send("POST", "/v1/addresses", ADDRESS)
    return Ask(f"/v1/addresses/{added.json()['id']}/default")


@ask("PUT /v1/addresses/{address_id}")
async def _(stage: Stage) -> Ask:
    added = await stage.buyer.send("POST", "/v1/addresses", ADDRESS)
    return Ask(f"/v1/addresses/{added.json()['id']}", ADDRESS | {"line1": "2 Main Street"})
