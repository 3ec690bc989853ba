"""Markets, terms and sellers."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from entrepot import ledger, sellers
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, show
from entrepot.kit.problem import NotFound
from entrepot.sellers import MarketExists, NoTerms, SellerId, SellerStatusIs, SlugTaken, TermsNotLater
from entrepot.sellers.api import routes
from tests.sellers.stage import JP, START, TERMS, US, Stage

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def test_a_market_has_the_house_accounts_of_its_currency(stage: Stage) -> None:
    accounts = await stage.rows(
        "select code, limited, striped from ledger.account where owner = $1 and currency = 'JPY' order by code", NIL
    )
    assert accounts == [(code, False, True) for code in sorted(ledger.HOUSE)]


async def test_the_same_market_again_changes_nothing_and_another_of_its_code_is_refused(stage: Stage) -> None:
    async with stage.db.write() as tx:
        await sellers.add_market(tx, US)
    with pytest.raises(MarketExists):
        async with stage.db.write() as tx:
            await sellers.add_market(tx, msgspec.structs.replace(US, currency="EUR"))
    async with stage.db.read() as tx:
        assert await sellers.markets(tx) == [JP, US]
        assert await sellers.currencies(tx) == ["JPY", "USD"]
    assert await stage.rows("select count(*) from ledger.account where currency = 'EUR'") == [(0,)]


async def test_terms_hold_from_their_day_and_end_those_before(stage: Stage) -> None:
    first = msgspec.structs.replace(TERMS, market="jp", commission_bp=500)
    second = msgspec.structs.replace(first, valid_from=START + DAY, commission_bp=700)
    async with stage.db.write() as tx:
        await sellers.set_terms(tx, first)
        await sellers.set_terms(tx, second)
        await sellers.set_terms(tx, second)  # the very same again
    async with stage.db.read() as tx:
        assert await sellers.terms_at(tx, "jp", START + DAY - timedelta(microseconds=1)) == first
        assert await sellers.terms_at(tx, "jp", START + DAY) == second
        with pytest.raises(NoTerms):
            await sellers.terms_at(tx, "jp", START - DAY)

    for late in (START, START + DAY):
        with pytest.raises(TermsNotLater):
            async with stage.db.write() as tx:
                await sellers.set_terms(tx, msgspec.structs.replace(first, valid_from=late, commission_bp=1))
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await sellers.set_terms(tx, msgspec.structs.replace(first, market="nowhere"))
    bounds = await stage.rows(
        "select valid_from, valid_to, commission_bp from sellers.market_terms where market = 'jp' order by 1"
    )
    assert bounds == [(START, START + DAY, 500), (START + DAY, None, 700)]


async def test_opening_a_seller_opens_its_accounts(stage: Stage) -> None:
    seller = await stage.seller("own", commission_bp=300)
    assert (seller.kind, seller.status, seller.commission_bp) == ("own", "active", 300)
    accounts = await stage.rows(
        "select code, currency, limited, striped from ledger.account where owner = $1 order by currency", seller.id
    )
    assert accounts == [("seller", "JPY", False, False), ("seller", "USD", False, False)]
    events = await stage.rows("select kind, data from kit.event where key = $1", seller.id)
    assert events == [("seller_opened", {})]

    with pytest.raises(SlugTaken):
        async with stage.db.write() as tx:
            await sellers.open_seller(tx, SellerId(new_id(tx.now)), seller.slug, "Other", "own", currencies=["USD"])
    assert await stage.rows("select name from sellers.seller where slug = $1", seller.slug) == [(seller.name,)]


async def test_an_import_of_sellers_again_changes_nothing(stage: Stage) -> None:
    ids = [SellerId(UUID(int=n + 1)) for n in range(3)]
    for expected in (3, 0):
        async with stage.db.write() as tx:
            opened = await sellers.open_sellers(
                tx, 0, ids, ["a1", "a2", "a3"], ["A", "B", "C"], ["third_party"] * 3, [None, 100, None], ["USD"]
            )
        assert opened == expected
    found = await stage.rows("select slug, commission_bp from sellers.seller where id = any ($1) order by id", ids)
    assert found == [("a1", None), ("a2", 100), ("a3", None)]
    assert await stage.rows("select count(*) from ledger.account where owner = any ($1)", ids) == [(3,)]


async def test_suspending_and_reinstating(stage: Stage) -> None:
    seller = await stage.seller()
    async with stage.db.write() as tx:
        assert (await sellers.suspend(tx, seller.id)).status == "suspended"
    with pytest.raises(SellerStatusIs) as refused:
        async with stage.db.write() as tx:
            await sellers.suspend(tx, seller.id)
    assert refused.value.seller_status == "suspended"
    async with stage.db.write() as tx:
        assert (await sellers.reinstate(tx, seller.id)).status == "active"
    with pytest.raises(SellerStatusIs):
        async with stage.db.write() as tx:
            await sellers.reinstate(tx, seller.id)
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await sellers.suspend(tx, SellerId(NIL))
    kinds = await stage.rows("select kind from kit.event where key = $1 order by xid, id", seller.id)
    assert kinds == [("seller_opened",), ("seller_suspended",), ("seller_reinstated",)]


async def test_the_api_is_the_operators(stage: Stage) -> None:
    operator = stage.as_(Role.OPERATOR)
    new = {"slug": "over-http", "name": "Over HTTP"}
    async with stage.http(routes) as http:
        assert (await http.post("/v1/sellers", json=new)).status_code == 401
        for role in (Role.BUYER, Role.SELLER):
            assert (await http.post("/v1/sellers", json=new, headers=stage.as_(role))).status_code == 403
        assert await stage.rows("select 1 from sellers.seller where slug = 'over-http'") == []

        opened = await http.post("/v1/sellers", json=new, headers=operator)
        assert opened.status_code == 201
        assert opened.json() == {
            "id": opened.json()["id"], "slug": "over-http", "name": "Over HTTP", "kind": "third_party",
            "status": "active", "commission_bp": None, "created_at": "2026-01-05T12:00:00+00:00", "settles_in": None,
        }  # fmt: skip
        again = await http.post("/v1/sellers", json=new, headers=operator)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/slug_taken")

        at = f"/v1/sellers/{opened.json()['id']}"
        assert (await http.post(f"{at}/suspend", headers=operator)).json()["status"] == "suspended"
        assert (await http.post(f"{at}/suspend", headers=operator)).status_code == 409
        assert (await http.post(f"{at}/reinstate", headers=operator)).json()["status"] == "active"
        unknown = f"/v1/sellers/{show('sel', NIL)}/suspend"
        assert (await http.post(unknown, headers=operator)).status_code == 404


async def test_pages_of_sellers_and_the_list_of_markets(stage: Stage) -> None:
    for _ in range(3):
        await stage.seller()
    operator = stage.as_(Role.OPERATOR)
    async with stage.http(routes) as http:
        seen, after = [], None
        while True:
            params = {"limit": 2} | ({"after": after} if after else {})
            page = (await http.get("/v1/sellers", params=params, headers=operator)).json()
            seen += [item["id"] for item in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == [show("sel", row[0]) for row in await stage.rows("select id from sellers.seller order by id")]
        assert (await http.get("/v1/markets")).json()["items"][1] == {
            "code": "us", "name": "United States", "currency": "USD", "language": "en", "country": None,
            "prices_with_tax": True, "payments": [], "time_zone": "UTC",
    }  # fmt: skip
