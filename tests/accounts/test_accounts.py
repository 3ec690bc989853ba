"""People: registering, signing in, addresses, being forgotten."""

import asyncio
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher

from entrepot import accounts, ledger, payments, sellers
from entrepot.accounts import EmailTaken, NewAddress, TooManyAddresses, WrongCredentials
from entrepot.accounts.actions import NOBODY, erase
from entrepot.accounts.api import routes
from entrepot.accounts.jobs import forget_tries
from entrepot.accounts.reads import MAX_ADDRESSES
from entrepot.accounts.rules import ADDRESS_FAILURES, EMAIL_FAILURES, WINDOW
from entrepot.kit.auth import Role, hash_password
from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.kit.problem import NotFound, TooManyRequests
from entrepot.sellers import Market, SellerId
from tests.sellers.stage import Stage

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
HOME = NewAddress("Ada", "1 Street", "GB", "London", "N1 9GU")


async def registered(stage: Stage, email: str) -> UUID:
    """A buyer with a hash that no password fits: quick to make."""
    async with stage.db.write() as tx:
        return (await accounts.register_buyer(tx, email, "Ada", "no hash")).user_id


async def test_a_registered_buyer_has_a_wallet_in_every_markets_currency(stage: Stage) -> None:
    user_id = await registered(stage, "Wallet@Example.org")
    wallets = await stage.rows(
        "select code, currency, limited, striped from ledger.account where owner = $1 order by currency", user_id
    )
    assert wallets == [("wallet", "JPY", True, False), ("wallet", "USD", True, False)]
    assert await stage.rows("select email from accounts.login where user_id = $1", user_id) == [("wallet@example.org",)]
    assert await stage.rows("select kind, data from kit.event where key = $1", user_id) == [("buyer_registered", {})]

    users = await stage.rows("select count(*) from accounts.user")
    with pytest.raises(EmailTaken):
        await registered(stage, "WALLET@example.org")
    assert await stage.rows("select count(*) from accounts.user") == users


async def test_the_wallet_of_a_later_market_is_opened_by_the_first_money(stage: Stage) -> None:
    user_id = await registered(stage, "later@example.org")
    seller = await stage.seller()
    async with stage.db.write() as tx:
        await sellers.add_market(tx, Market("de", "Germany", "EUR", "de"))
        staff = await accounts.add_staff(tx, Role.SELLER, seller.id, "later-staff@example.org", "S", NOBODY)
        assert await ledger.account_ids(tx, 0, ["wallet"], [user_id], ["EUR"]) == [0]
        await payments.top_up(tx, 0, user_id, "EUR", 500, UUID(int=1))
        assert await ledger.balance(tx, 0, "wallet", "EUR", user_id) == 500
        for nobody, currency in ((staff, "EUR"), (UUID(int=2), "EUR"), (user_id, "XXX")):
            with pytest.raises(ledger.TransferRefused):
                await payments.top_up(tx, 0, nobody, currency, 500, UUID(int=3))
        assert await ledger.account_ids(tx, 0, ["wallet"] * 2, [staff, UUID(int=2)], ["EUR"] * 2) == [0, 0]


async def test_imported_buyers_have_wallets_and_no_log_in(stage: Stage) -> None:
    ids = [UUID(int=n) for n in range(1, 4)]
    for expected in (3, 0):
        async with stage.db.write() as tx:
            assert await accounts.import_buyers(tx, ids) == expected
    wallets = "select count(*) from ledger.account where code = 'wallet' and owner = any ($1)"
    currencies = await stage.rows("select count(distinct currency)::int from sellers.market")
    assert await stage.rows(wallets, ids) == [(3 * currencies[0][0],)]
    async with stage.db.read() as tx:
        assert await accounts.me(tx, 0, ids[0]) == accounts.Me(ids[0], "buyer", None, None, None)


async def test_staff_belong_to_a_seller_that_exists(stage: Stage) -> None:
    seller = await stage.seller()
    password_hash = await hash_password(PASSWORD)
    async with stage.db.write() as tx:
        user_id = await accounts.add_staff(tx, Role.SELLER, seller.id, "staff@example.org", "S", password_hash)
    assert await accounts.sign_in(stage.db, "staff@example.org", PASSWORD, "1.1.1.1") == accounts.Member(
        Role.SELLER, user_id, 0, seller.id
    )
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await accounts.add_staff(tx, Role.SELLER, SellerId(NIL), "nil@example.org", "S", password_hash)
    for role, seller_id in ((Role.SELLER, None), (Role.OPERATOR, seller.id), (Role.BUYER, None)):
        with pytest.raises(ValueError, match="staff"):
            async with stage.db.write() as tx:
                await accounts.add_staff(tx, role, seller_id, "x@example.org", "S", password_hash)
    assert await stage.rows("select 1 from accounts.login where email in ('nil@example.org', 'x@example.org')") == []


async def test_registering_signing_in_and_out_over_http(stage: Stage) -> None:
    new = {"email": "http@example.org", "name": "Ada", "password": PASSWORD}
    async with stage.http(routes) as http:
        for change in (
            {"email": "no at"}, {"email": "a@b\n"}, {"name": ""}, {"password": "short"}, {"role": "operator"},
        ):  # fmt: skip
            assert (await http.post("/v1/accounts", json=new | change)).status_code == 400
        made = await http.post("/v1/accounts", json=new)
        assert made.status_code == 201
        assert (await http.post("/v1/accounts", json=new)).json()["type"] == "/problems/email_taken"

        known = {"email": "HTTP@example.org", "password": PASSWORD}
        session = (await http.post("/v1/sessions", json=known)).json()
        assert session | {"token": ""} == {
            "user_id": made.json()["user_id"], "role": "buyer", "token": "", "expires_at": "2026-01-06T00:00:00+00:00",
        }  # fmt: skip
        me = await http.get("/v1/accounts/me", headers={"authorization": f"Bearer {session['token']}"})
        assert me.json() == {
            "id": session["user_id"], "role": "buyer", "seller_id": None, "email": "http@example.org", "name": "Ada",
            "guest": False, "proven": False,
        }  # fmt: skip
        assert (await http.get("/v1/accounts/me")).status_code == 401

        wrong = await http.post("/v1/sessions", json=known | {"password": "wrong"})
        unknown = await http.post("/v1/sessions", json=known | {"email": "nobody@example.org"})
        assert wrong.status_code == unknown.status_code == 401
        assert wrong.content == unknown.content

        out = await http.delete("/v1/sessions")
        assert (out.status_code, "session=" in out.headers["set-cookie"]) == (204, True)


def test_an_unknown_email_costs_what_a_known_one_costs() -> None:
    assert not PasswordHasher().check_needs_rehash(NOBODY)


async def fail(stage: Stage, email: str, ip: str) -> type[Exception]:
    with pytest.raises((WrongCredentials, TooManyRequests)) as refused:
        await accounts.sign_in(stage.db, email, "wrong", ip)
    return refused.type


async def test_an_email_takes_ten_failures_however_they_come(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fits(password_hash: str, password: str) -> bool:
        await asyncio.sleep(0.01)  # all of them are under way at once
        return password == PASSWORD

    monkeypatch.setattr("entrepot.accounts.actions.password_fits", fits)
    email = "burst@example.org"
    user_id = await registered(stage, email)
    for _ in range(EMAIL_FAILURES + 5):  # successes are struck from the record
        await accounts.sign_in(stage.db, email, PASSWORD, "2.2.2.2")
    refusals = await asyncio.gather(*(fail(stage, email, f"3.3.3.{n}") for n in range(EMAIL_FAILURES + 6)))
    assert sorted(r.__name__ for r in refusals) == ["TooManyRequests"] * 6 + ["WrongCredentials"] * EMAIL_FAILURES

    with pytest.raises(TooManyRequests) as refused:  # the right password does not help now
        await accounts.sign_in(stage.db, email.upper(), PASSWORD, "4.4.4.4")
    assert refused.value.retry_after_s == 15 * 60 + 1
    stage.clock.advance(WINDOW)
    assert (await accounts.sign_in(stage.db, email, PASSWORD, "4.4.4.4")).user_id == user_id

    async with stage.db.write() as tx:
        await forget_tries(tx)
    assert await stage.rows("select count(*) from accounts.login_attempt") == [(0,)]


async def test_an_address_takes_fifty_failures(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fits(password_hash: str, password: str) -> bool:
        return False

    monkeypatch.setattr("entrepot.accounts.actions.password_fits", fits)
    refusals = [await fail(stage, f"{n}@example.org", "5.5.5.5") for n in range(ADDRESS_FAILURES + 1)]
    assert refusals == [WrongCredentials] * ADDRESS_FAILURES + [TooManyRequests]
    assert await fail(stage, "0@example.org", "6.6.6.6") is WrongCredentials
    # A provider gives a house a /64 of IPv6: all of it is one address.
    await asyncio.gather(*(fail(stage, f"six{n}@example.org", f"2001:db8::{n:x}") for n in range(ADDRESS_FAILURES)))
    assert await fail(stage, "six@example.org", "2001:db8::ffff") is TooManyRequests
    who = await stage.rows("select who from accounts.login_attempt limit 1")
    assert len(who[0][0]) == 32  # a hash, not the e-mail


async def test_addresses_are_ones_own(stage: Stage) -> None:
    mine = stage.as_(Role.BUYER, await registered(stage, "mine@example.org"))
    theirs = stage.as_(Role.BUYER, await registered(stage, "theirs@example.org"))
    new = {"recipient": "Ada", "line1": "1 Street", "city": "London", "postal_code": "N1 9GU", "country": "GB"}
    async with stage.http(routes) as http:
        assert (await http.post("/v1/addresses", json=new)).status_code == 401
        for change in ({"country": "gb"}, {"country": "GB\n"}, {"line1": "x" * 201}, {"planet": "Earth"}):
            assert (await http.post("/v1/addresses", json=new | change, headers=mine)).status_code == 400
        for change, field in (  # what the country has no such thing of, or needs and was not said
            ({"city": ""}, "city"), ({"country": "US", "postal_code": "00099"}, "region"),
            ({"postal_code": "N1"}, "postal_code"), ({"phone": "020 7183"}, "phone"), ({"phone": "+49 1"}, "phone"),
            ({"country": "US", "postal_code": "62701", "region": "XX"}, "region"), ({"tax_id": "1955839662"}, "tax_id"),
            ({"country": "US", "postal_code": "10001", "region": "IL"}, "postal_code"),
        ):  # fmt: skip
            refused = await http.post("/v1/addresses", json=new | change, headers=mine)
            assert (refused.status_code, refused.json()["type"]) == (400, "/problems/address_not_valid")
            assert refused.json()["field"] == field
        keyed = mine | {"idempotency-key": "k1"}
        given = new | {"phone": "020 7183 8750"}
        first = await http.post("/v1/addresses", json=given, headers=keyed)
        again = await http.post("/v1/addresses", json=given, headers=keyed)
        assert (first.status_code, again.json()) == (201, first.json())
        at = f"/v1/addresses/{first.json()['id']}"
        shown = new | {
            "line2": "",
            "district": "",
            "region": "",
            "phone": "+442071838750",
            "tax_id": "",
            "id": first.json()["id"],
            "is_default": True,
            "lines": ["Ada", "1 Street", "London", "N1 9GU"],
            "lines_abroad": ["Ada", "1 Street", "London", "N1 9GU"],
        }
        assert (await http.get("/v1/addresses", headers=mine)).json() == {"items": [shown]}
        assert (await http.get("/v1/addresses", headers=theirs)).json() == {"items": []}
        assert (await http.delete(at, headers=theirs)).status_code == 404
        assert (await http.delete("/v1/addresses/adr_x", headers=mine)).status_code == 404
        assert len((await http.get("/v1/addresses", headers=mine)).json()["items"]) == 1
        assert (await http.delete(at, headers=mine)).status_code == 204
        assert (await http.delete(at, headers=mine)).status_code == 404
        kept = await stage.rows("select answer from kit.idempotency_key where key = 'k1'")
        assert kept == [(f'{{"id":"{first.json()["id"]}"}}'.encode(),)]  # no personal data


async def test_the_address_of_another_is_not_there(stage: Stage) -> None:
    mine, theirs = await registered(stage, "a1@example.org"), await registered(stage, "a2@example.org")
    async with stage.db.write() as tx:
        id_ = await accounts.add_address(tx, 0, mine, HOME)
        found = await accounts.address(tx, 0, mine, id_)
        assert found == accounts.Address(id_, "Ada", "1 Street", "", "London", "", "N1 9GU", "GB")
        for user_id, address_id in ((theirs, id_), (mine, NIL)):
            with pytest.raises(NotFound):
                await accounts.address(tx, 0, user_id, address_id)
        with pytest.raises(NotFound):
            await accounts.add_address(tx, 0, NIL, HOME)
        for _ in range(MAX_ADDRESSES - 1):
            await accounts.add_address(tx, 0, mine, HOME)
        with pytest.raises(TooManyAddresses):
            await accounts.add_address(tx, 0, mine, HOME)
        assert len(await accounts.addresses(tx, 0, mine)) == MAX_ADDRESSES


async def test_who_is_erased_leaves_a_pseudonym(stage: Stage) -> None:
    user_id, other = await registered(stage, "gone@example.org"), await registered(stage, "stays@example.org")
    async with stage.db.write() as tx:
        await accounts.add_address(tx, 0, user_id, HOME)
        await accounts.add_address(tx, 0, other, HOME)
    headers = stage.as_(Role.BUYER, user_id)
    async with stage.http(routes) as http:
        assert (await http.delete("/v1/accounts/me", headers=stage.as_(Role.SELLER, user_id))).status_code == 403
        assert (await http.delete("/v1/accounts/me", headers=headers)).status_code == 204
        me: httpx.Response = await http.get("/v1/accounts/me", headers=headers)
    assert me.json() == {"id": show("usr", user_id), "role": "buyer", "seller_id": None, "email": None, "name": None,
                         "guest": False, "proven": False}  # fmt: skip
    for table in ("login", "person", "address"):
        assert await stage.rows(f"select 1 from accounts.{table} where user_id = $1", user_id) == []
        assert len(await stage.rows(f"select 1 from accounts.{table} where user_id = $1", other)) == 1
    assert len(await stage.rows("select 1 from ledger.account where owner = $1 and currency = 'USD'", user_id)) == 1
    events = await stage.rows("select kind, data from kit.event where key = $1 order by xid, id", user_id)
    assert events == [("buyer_registered", {}), ("buyer_erased", {})]
    assert parse("usr", me.json()["id"]) == user_id
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await erase(tx, 0, new_id(tx.now))
    with pytest.raises(NotFound):  # the session lives on, but tells us nothing new
        async with stage.db.write() as tx:
            await accounts.add_address(tx, 0, user_id, HOME)
    assert await stage.rows("select 1 from accounts.address where user_id = $1", user_id) == []
