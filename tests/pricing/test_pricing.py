"""Shipping services and promotions on a real database, and a plan that a quote takes as it is."""

import re
from datetime import time, timedelta

import msgspec
import pytest

from entrepot import pricing
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id
from entrepot.kit.problem import NotFound
from entrepot.kit.sql import QUERIES
from entrepot.pricing import (
    Priced,
    Promotion,
    PromotionExists,
    PromotionNotValid,
    ShippingNotOffered,
    ShippingService,
    ShippingServiceExists,
)
from entrepot.pricing.api import routes
from tests.sellers.stage import START, Stage

pytestmark = pytest.mark.anyio

POST = ShippingService("us", "post", "Post", 499, 50, 3 * 86_400, 2)
RUSH = ShippingService("us", "rush", "Rush", 1999, 0, 86_400, 1)
DAY = timedelta(days=1)
SAVE = Promotion("SAVE", "us", 1000, None, 5000, "operator", START, START + DAY)


class UndoneError(Exception):
    """Rolls back what was tried out."""


async def test_services_are_a_markets(stage: Stage) -> None:
    async with stage.db.write() as tx:
        for service in (POST, RUSH, POST):
            await pricing.add_shipping_service(tx, service)
    with pytest.raises(ShippingServiceExists):
        async with stage.db.write() as tx:
            await pricing.add_shipping_service(tx, msgspec.structs.replace(POST, base_minor=1))
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await pricing.add_shipping_service(tx, msgspec.structs.replace(POST, market="nowhere"))
    async with stage.db.read() as tx:
        assert await pricing.services(tx, "us") == [RUSH, POST]
        assert await pricing.services(tx, "jp") == []
        assert await pricing.service(tx, "us", "post") == POST
        with pytest.raises(ShippingNotOffered):
            await pricing.service(tx, "jp", "post")
    async with stage.http(routes) as http:
        shown = (await http.get("/v1/markets/us/shipping")).json()["items"]
        assert shown[1] == {
            "code": "post", "name": "Post", "base": {"minor": 499, "currency": "USD"},
            "item": {"minor": 50, "currency": "USD"}, "transit_s": 259_200,
            "incoterm": "DAP", "clearance": {"minor": 0, "currency": "USD"}, "slotted": False,
        }  # fmt: skip
        assert (await http.get("/v1/markets/nowhere/shipping")).status_code == 404


async def test_a_promotion_holds_in_its_market_and_time(stage: Stage) -> None:
    async with stage.db.write() as tx:
        await pricing.add_promotion(tx, SAVE)
        await pricing.add_promotion(tx, SAVE)
    with pytest.raises(PromotionExists):
        async with stage.db.write() as tx:
            await pricing.add_promotion(tx, msgspec.structs.replace(SAVE, percent_bp=9000))
    async with stage.db.read() as tx:
        assert await pricing.promotion(tx, "SAVE", "us", START) == SAVE
        for code, market, now, reason in (
            ("NONE", "us", START, "unknown"),
            ("SAVE", "jp", START, "unknown"),
            ("SAVE", "us", START - DAY, "not_now"),
            ("SAVE", "us", START + DAY, "not_now"),
        ):
            with pytest.raises(PromotionNotValid) as refused:
                await pricing.promotion(tx, code, market, now)
            assert refused.value.reason == reason


async def test_promotions_are_the_operators_to_make(stage: Stage) -> None:
    new = {
        "code": "HTTP", "market": "us", "funding_party": "seller", "amount_minor": 500,
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2026-02-01T00:00:00Z",
    }  # fmt: skip
    operator = stage.as_(Role.OPERATOR)
    async with stage.http(routes) as http:
        assert (await http.post("/v1/promotions", json=new)).status_code == 401
        assert (await http.post("/v1/promotions", json=new, headers=stage.as_(Role.SELLER))).status_code == 403
        for change, status in (
            ({"percent_bp": 100}, 400), ({"amount_minor": None}, 400), ({"amount_minor": 0}, 400),
            ({"valid_to": "2026-01-01T00:00:00Z"}, 400), ({"valid_to": "2026-02-01T00:00:00"}, 400),
            ({"funding_party": "buyer"}, 400), ({"market": "nowhere"}, 404), ({"code": "no spaces"}, 400),
        ):  # fmt: skip
            assert (await http.post("/v1/promotions", json=new | change, headers=operator)).status_code == status
        assert await stage.rows("select 1 from pricing.promotion where code = 'HTTP'") == []
        assert (await http.post("/v1/promotions", json=new, headers=operator)).status_code == 201
        changed = new | {"amount_minor": 501}
        assert (await http.post("/v1/promotions", json=changed, headers=operator)).status_code == 409
    kept = await stage.rows("select amount_minor, minimum_minor from pricing.promotion where code = 'HTTP'")
    assert kept == [(500, 0)]


async def test_a_plan_has_a_quotes_arrays(stage: Stage) -> None:
    columns = {
        name
        for (name,) in await stage.rows(
            """select column_name::text from information_schema.columns
                where table_schema = 'orders' and table_name = 'quote'
                  and column_name ~ '^(order|line|bundle|discount)_'"""
        )
    }
    fields = {field.name for field in msgspec.structs.fields(Priced)} - {
        "currency",
        "paid_minor",
        "order_paid",
        "order_cells",
    }
    assert columns - {"order_ids", "order_duties", "order_withheld"} == fields


async def test_limits_are_found_by_their_index_however_few_there_were_at_first(stage: Stage) -> None:
    """Plans are kept: in the first minute of a rush the table was all but empty, and then thousands buy."""

    async def read(count: int) -> int:
        """Rows of limits that are read to open, use and give back some of `count` new ones."""
        owners = [new_id(tx.now) for _ in range(count)]
        ids = [id_ for id_, _ in await pricing.limits(tx, 0, ["rush"] * count, owners, [3] * count)]
        before = await tx.conn.fetchval(rows)
        some = len(owners[:40])
        opened = await pricing.limits(tx, 0, ["rush"] * some, owners[:some], [3] * some)
        assert opened == [(id_, 3) for id_ in ids[:some]]
        twice, groups = ids[:some] * 2, [new_id(tx.now) for _ in range(2 * some)]
        await tx.conn.execute(
            "select pricing.use_quotas(0::smallint, $1, $2, $3, $4)", tx.now, twice, [1] * len(twice), groups
        )
        await tx.conn.execute("select pricing.give_back_quotas(0::smallint, $1, $2)", tx.now, groups[: some + 1])
        found: int = await tx.conn.fetchval(rows) - before
        left = await tx.conn.fetch("select used from pricing.quota where id = any ($1) order by id", ids)
        assert [row[0] for row in left] == [0] + [1] * (some - 1) + [0] * (count - some)
        return found

    rows = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'pricing.quota'::regclass"
    async with stage.db.write() as tx:
        await read(2)
        await tx.conn.execute("analyze pricing.quota")
        assert await read(2_000) < 500


async def test_a_free_slot_is_offered_however_many_before_it_are_full(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing.slots, "LISTED_MAX", 2)
    days = pricing.run_of_days(START.date() + DAY, START.date() + 5 * DAY)
    async with stage.db.write() as tx:
        await pricing.add_shipping_service(tx, ShippingService("us", "van", "Van", 0, 0, 3_600, 3))
        ids = await pricing.add_slots(tx, pricing.NewSlots("us", "van", days, time(10), time(12), 1, 60))
        full = [f"slot:{slot}" for slot in (*ids[:3], ids[4])]
        await tx.conn.execute("update pricing.quota set used = granted where name = any ($1::text[])", full)
    async with stage.db.read() as tx:
        assert [one.slot for one in await pricing.free_slots(tx, "us", "van")] == [ids[3]]


async def test_a_quota_is_found_by_its_name(stage: Stage) -> None:
    """Buyers have a row for each limit: whoever names one finds it by the index of names, which is partial, with the
    one plan that is made for all."""
    named = [q for q in QUERIES if re.search(r"pricing\.quota\b(?!_)", q.text) and {"name", "names"} & {*q.params}]
    assert len(named) >= 6
    assert all("name <> ''" in query.text for query in named)

    async def try_out() -> None:
        async with stage.db.write() as tx:
            await tx.conn.execute(
                "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off; insert into "
                "pricing.quota (cell, name, owner, granted) select 0, 'promotion:MANY:buyer', gen_random_uuid(), 1 "
                "from generate_series(1, 3000); analyze pricing.quota"
            )
            for query in (one for one in named if " join " not in one.text):  # of others it tells how full all are
                await tx.conn.execute(f"prepare asked as {query.text}")
                asked = ", ".join(["null"] * len(query.params))
                plan = await tx.conn.fetch(f"explain (costs off) execute asked ({asked})")
                await tx.conn.execute("deallocate asked")
                assert any("quota_name" in row[0] for row in plan), query.text
            raise UndoneError

    with pytest.raises(UndoneError):
        await try_out()
