"""Money that needs a person: what the gateway refuses or does not answer is shown to the operator, who decides once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.payments import actions, reads
from entrepot.payments.actions import RETRY_AFTER
from entrepot.world.gateway_book import RefundOrder
from entrepot.world.gateway_webhooks import Faults
from tests.journeys.test_gateway import Sale, Stage, staged

LIST = "/v1/operator/stuck-payments"


@pytest.fixture
async def stage(own_db_url: str) -> AsyncIterator[Stage]:
    async with staged(own_db_url) as opened:
        yield opened
        await opened.shop.audited()


async def stuck(stage: Stage, **query: str) -> list[dict[str, Any]]:
    answer = await stage.shop.http.get(LIST, params=query, headers=stage.shop.operator)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def decide(stage: Stage, refund: str, verb: str) -> httpx.Response:
    return await stage.shop.http.post(f"/v1/operator/refunds/{refund}/{verb}", headers=stage.shop.operator)


async def canceled(stage: Stage) -> Sale:
    """A sale that was paid through the gateway and canceled; the gateway has still to give the money back."""
    sale = await stage.order()
    await stage.work()
    await sale.pay()
    await stage.work(RETRY_AFTER)
    assert (await sale.buyer.send("POST", f"/v1/orders/{await sale.order_id()}/cancel")).status_code == 204
    return sale


async def refused(stage: Stage) -> tuple[Sale, str]:
    """One whose refund the gateway refuses: somebody gave that money to somebody over there already."""
    sale = await canceled(stage)
    reference = RefundOrder(amount_minor=1_600, reference="by hand")
    stage.gateway.book.refund(sale.theirs.id, "by hand", reference)
    await stage.work()
    (item,) = [i for i in await stuck(stage) if i["group_id"] == show("grp", sale.group)]
    return sale, str(item["id"])


async def events(stage: Stage, kind: str) -> list[tuple[UUID, dict[str, str]]]:
    async with stage.shop.db.read() as tx:
        return [tuple(row) for row in await tx.conn.fetch("select key, data from kit.event where kind = $1", kind)]


async def test_a_refusal_is_shown_with_the_gateways_word(stage: Stage) -> None:
    assert await stuck(stage) == []
    sale, refund = await refused(stage)
    (item,) = await stuck(stage)
    assert item == {
        "kind": "refund_refused", "id": refund, "group_id": show("grp", sale.group), "order_id": await sale.order_id(),
        "currency": "USD", "amount_minor": 1_600, "refusal": "exceeds_captured", "gateway_id": sale.theirs.id,
        "attempts": 1, "since": stage.shop.clock.now().isoformat().replace("+00:00", "Z"), "next_try_at": None,
        "is_final": False,
    }  # fmt: skip
    told: dict[str, object] = {"refund_id": str(parse("rfd", refund)), "payment_id": str(sale.group)}
    assert await events(stage, "refund_failed") == [(parse("ord", await sale.order_id()), told)]
    asked = len(stage.gateway.book.refunds)
    await stage.work(timedelta(days=9))  # for good is for good
    assert len(stage.gateway.book.refunds) == asked


async def test_credited_into_the_wallet_once(stage: Stage) -> None:
    sale, refund = await refused(stage)
    assert (await stage.shop.balance("wallet", sale.buyer.id), await stage.shop.balance("gateway")) == (0, 0)
    answers = await asyncio.gather(*(decide(stage, refund, verb) for verb in ("credit", "credit", "retry", "credit")))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    if answers[2].status_code == 204:  # the retry came first: it is refused again
        await stage.work()
        assert (await decide(stage, refund, "credit")).status_code == 204
    assert await stage.shop.balance("wallet", sale.buyer.id) == 1_600
    assert await stage.shop.balance("gateway") == -1_600  # it still has that money, and owes it to us
    assert await stuck(stage) == []
    told: dict[str, object] = {"refund_id": str(parse("rfd", refund)), "payment_id": str(sale.group)}
    told |= {"buyer_id": str(sale.buyer.id), "currency": "USD", "amount_minor": 1_600}
    assert await events(stage, "refund_credited") == [(parse("ord", await sale.order_id()), told)]
    async with stage.shop.db.read() as tx:
        row = await tx.conn.fetchrow("select cause_id, amount from ledger.transfer where code = 'refund_credit'")
    assert row is not None
    assert tuple(row) == (parse("rfd", refund), 1_600)
    before = await stage.shop.state()
    late = await decide(stage, refund, "retry")
    assert (late.json()["type"], late.json()["refund_status"]) == ("/problems/refund_not_failed", "credited")
    await stage.work(timedelta(days=1))
    assert (await stage.shop.state())["ledger.transfer"] == before["ledger.transfer"]


async def test_retried_by_the_same_key(stage: Stage) -> None:
    """The gateway had made the refund and told of another amount: asked again, it makes no second one."""
    sale = await canceled(stage)
    stage.transport.lies = {"amount_minor": 1}
    await stage.work()
    (item,) = await stuck(stage)
    assert (item["refusal"], sale.theirs.refunded_minor) == ("another amount_minor", 1_600)
    stage.transport.lies = {}
    assert (await decide(stage, item["id"], "retry")).status_code == 204
    assert await stuck(stage) == []
    await stage.work()
    assert (await stuck(stage), len(stage.gateway.book.refunds), await stage.shop.balance("gateway")) == ([], 1, 0)
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select status from payments.refund") == "done"
    assert len(await events(stage, "refund_retried")) == 1


async def test_a_late_capture_that_cannot_go_back_is_credited(stage: Stage) -> None:
    sale = await stage.order()
    await stage.work()
    await sale.pay()
    assert await sale.take_back() == 204
    stage.transport.lies = {"currency": "EUR"}
    body = (await stage.told(1))[0]
    await stage.deliver(body)
    await stage.work()
    (item,) = await stuck(stage)
    assert (item["order_id"], item["group_id"]) == (None, show("grp", sale.group))
    assert await sale.status() == ("canceled", "returning")
    assert (await decide(stage, item["id"], "credit")).status_code == 204
    assert await sale.status() == ("canceled", "returned")
    assert await stage.shop.balance("wallet", sale.buyer.id) == 1_600


async def test_what_gets_no_answer_for_an_hour_is_shown_and_goes_on(stage: Stage) -> None:
    other = await stage.order()
    sale = await canceled(stage)
    assert await other.take_back() == 204
    stage.gateway.faults = Faults(error_rate=1)
    pause = timedelta()
    for _ in range(actions.STUCK_ATTEMPTS):
        assert await stuck(stage) == []
        await stage.work(pause)
        pause = 2 * pause or RETRY_AFTER
    first, second = sorted(await stuck(stage), key=lambda item: str(item["kind"]))
    assert (first["kind"], first["id"]) == ("cancel_unanswered", show("pmt", other.group))
    assert (second["kind"], second["order_id"]) == ("refund_unanswered", await sale.order_id())
    assert first["next_try_at"] == second["next_try_at"] is not None
    assert (await decide(stage, second["id"], "credit")).status_code == 409  # it may have been made
    stage.gateway.faults = Faults()
    await stage.work(actions.RETRIED_EVERY)
    assert await stuck(stage) == []
    assert (await other.status(), other.theirs.status) == (("canceled", "failed"), "canceled")


async def test_pages_of_all_kinds(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    refunds = [(await refused(stage))[1] for _ in range(3)]
    monkeypatch.setattr(reads, "PAGE", 2)
    canceling = []
    async with stage.shop.db.write() as tx:
        for _ in range(2):
            stage.shop.clock.advance(timedelta(seconds=1))
            canceling.append(new_id(stage.shop.clock.now()))
        await tx.conn.executemany(
            "insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, "
            "attempts, due_at, created_at) values (0, $1, $1, $1, 'sandbox', 'USD', 5, 'canceling', 8, $2, $2)",
            [(id_, stage.shop.clock.now() + timedelta(days=9)) for id_ in canceling],
        )
    expected = sorted([*refunds, *(show("pmt", id_) for id_ in canceling)], key=lambda shown: shown[4:])
    found: list[str] = []
    for length in (2, 2, 1, 0):
        page = await stuck(stage, **({"after": found[-1]} if found else {}))
        assert len(page) == length
        found += [item["id"] for item in page]
    assert found == expected
    async with stage.shop.db.write() as tx:
        await tx.conn.execute("delete from payments.payment where id = any ($1)", canceling)


async def test_an_absent_refund_is_not_found(stage: Stage) -> None:
    before = await stage.shop.state()
    for verb in ("retry", "credit"):
        assert (await decide(stage, show("rfd", NIL), verb)).status_code == 404
    bad = await stage.shop.http.get(LIST, params={"after": "ord_" + "0" * 32}, headers=stage.shop.operator)
    assert bad.status_code == 400
    assert await stage.shop.state() == before
