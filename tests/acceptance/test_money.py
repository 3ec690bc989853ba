"""Money that ties, part by part, as its users meet it over HTTP. Parts 1 to 3 are here, each other has a file
beside this one: 4 in _fees, 5 _credit, 6 _stripe, 7 _fx, 8 _bank, 9 _statement, 10 _trust; exchanges in _exchange."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from entrepot import ledger, logistics, orders, pricing, sellers
from entrepot.kit.auth import Role
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id, show
from entrepot.ledger import Transfer
from entrepot.logistics import NewShipment
from tests.acceptance.eyes import approve, limited
from tests.shop import START, TERMS, Buyer, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def test_1_ledger(shop: Shop) -> None:
    """A payout is held until the bank has answered: returned, it is the seller's again and goes out with the next;
    delivered, it is gone, once. Then the day is closed, and what is dated into it is refused."""
    seller = await shop.seller()
    bought = await (await shop.buyer()).buy([(await shop.offer(seller, 10_000, 5), 1)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(bought[0], "house", "1")])
    await shop.run(after=timedelta(days=45))  # the timers release, and pay out

    async def operator(path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        method = "GET" if body is None else "POST"
        answer = await shop.http.request(method, f"/v1/operator/{path}", json=body, headers=shop.operator)
        return answer.status_code, answer.json() if answer.content else {}

    async def payouts() -> list[tuple[int, str]]:
        staff = shop.session(Role.SELLER, new_id(START), seller)
        listed = (await shop.http.get("/v1/seller/payouts", headers=staff)).json()["items"]
        return [(item["amount_minor"], item["status"]) for item in listed]

    earned = 10_000 + 600 - 1_000 - 159
    assert await payouts() == [(earned, "sent")]
    assert (await shop.balance("seller", seller), await shop.balance("payout")) == (earned, 0)
    (sent,) = (await operator("payouts"))[1]["items"]
    assert (await operator(f"payouts/{sent['id']}/return", {}))[0] == 204
    assert await payouts() == [(earned, "returned")]
    state = await shop.state()
    refused = await operator(f"payouts/{sent['id']}/settle", {})
    assert (refused[0], refused[1]["type"], refused[1]["payout_status"]) == (
        409,
        "/problems/payout_not_sent",
        "returned",
    )
    assert await shop.state() == state

    await shop.run(after=timedelta(days=14))
    assert await payouts() == [(earned, "sent"), (earned, "returned")]
    await shop.run(after=timedelta(days=4, hours=23))
    assert (await payouts())[0] == (earned, "sent")
    await shop.run(after=timedelta(hours=1))
    assert (await payouts())[0] == (earned, "settled")
    assert (await shop.balance("seller", seller), await shop.balance("payout")) == (0, earned)

    today = shop.clock.now().date()
    assert (await operator("closed-days", {"through": f"{today}"}))[1]["type"] == "/problems/day_not_over"
    yesterday = today - timedelta(days=1)
    assert (await operator("closed-days", {"through": f"{yesterday}"}))[1] == {
        "days": (yesterday - START.date()).days + 1
    }
    await shop.run(after=timedelta(days=2))  # from now on the worker closes
    assert (await operator("closed-days"))[1]["items"][0]["day"] == f"{today + timedelta(days=1)}"
    found = (await operator(f"trial-balance?day={today}"))[1]
    lines = {line["code"]: line for line in found["lines"]}
    assert sum(line["closing_minor"] for line in found["lines"]) == 0
    assert [lines["seller"][name] for name in ("opening_minor", "debits_minor", "closing_minor")] == [earned, earned, 0]
    assert lines["commission"]["closing_minor"] == 1_000

    with pytest.raises(asyncpg.exceptions.PostgresError, match=f"the books of {today} are closed"):
        await _post_late(shop, timedelta(days=2))
    assert (await operator(f"trial-balance?day={today}"))[1] == found
    await shop.audited()


async def _post_late(shop: Shop, by: timedelta) -> None:
    async with shop.db.write() as tx:
        cash, payout = await ledger.account_ids(tx, 0, ["cash", "payout"], [NIL, NIL], ["USD", "USD"])
        transfer = Transfer(new_id(tx.now), "top_up", cash, payout, 1)
        await ledger.post_all(Tx(tx.conn, tx.now - by), 0, [transfer])


PDF = {"name": "parcel.pdf", "content": b64encode(b"%PDF-1.7 torn box").decode()}


def claim_of(line_no: int, quantity: int) -> dict[str, Any]:
    lines = [{"line_no": line_no, "quantity": quantity}]
    return {"kind": "wrong_or_damaged", "lines": lines, "text": "Torn.", "file": PDF}


async def ask(shop: Shop, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    answer = await shop.http.post(path, json=body, headers=headers)
    return answer.status_code, answer.json() if answer.content else None


async def sent(shop: Shop, order: UUID, number: str) -> str:
    """Ships an order; the path of its disputes."""
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", number)])
    return f"/v1/orders/{show('ord', order)}/disputes"


async def test_2_escrow_with_evidence(shop: Shop) -> None:
    """Of an order of three, 3,933 with shipping, one is disputed: 1,311 are frozen, and the rest is released as if
    nothing were. The seller offers 300, the operator grants 500, the seller appeals, the operator stays with 500: this
    goes back, and the rest of the unit is the seller's, less commission and fee at the rates of the sale."""
    seller = await shop.seller()
    buyer = await shop.buyer()
    (order,) = await buyer.buy([(await shop.offer(seller, 1_111, 5), 3)])
    path = f"/v1/orders/{show('ord', order)}/disputes"

    def staff() -> dict[str, str]:
        return shop.session(Role.SELLER, new_id(START), seller)

    state = await shop.state()
    told = await ask(shop, path, claim_of(1, 1), buyer.headers)
    assert told[1]["type"] == "/problems/wrong_status"  # nothing was sent yet
    assert await shop.state() == state
    await sent(shop, order, "1")
    state = await shop.state()
    assert (await ask(shop, path, claim_of(1, 4), buyer.headers))[1]["left"] == 3
    assert (await ask(shop, path, claim_of(2, 1), buyer.headers))[1]["line_no"] == 2
    assert await shop.state() == state
    status, opened = await ask(shop, path, claim_of(1, 1), buyer.headers)
    assert status == 201
    dispute = f"{path}/{opened['id']}"
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/confirm")).status_code == 204
    # Of 333 commission and 59 fee the first of three units has a third, rounded down.
    assert await shop.balance("escrow") == 1_311
    first = 2 * 1_311 - (333 - 111) - (59 - 19)
    assert await shop.balance("seller", seller) == first

    answer = f"/v1/seller/disputes/{opened['id']}/steps"
    assert (await ask(shop, answer, {"act": "answer", "amount_minor": 1_312}, staff()))[1]["claimed_minor"] == 1_311
    assert (await ask(shop, answer, {"act": "answer", "amount_minor": 300, "text": "A scratch."}, staff()))[0] == 204
    assert (await ask(shop, f"{dispute}/steps", {"act": "escalate", "text": "It is torn."}, buyer.headers))[0] == 204
    verdict = f"/v1/operator/disputes/{opened['id']}/verdict"
    (waiting,) = (await shop.http.get("/v1/operator/disputes", headers=shop.operator)).json()["items"]
    assert (waiting["id"], waiting["status"], waiting["offered"]["minor"]) == (opened["id"], "escalated", 300)
    assert (await ask(shop, verdict, {"amount_minor": 500, "text": "Half."}, shop.operator))[0] == 204
    await shop.run(after=timedelta(days=6, hours=23))
    assert (await ask(shop, answer, {"act": "appeal", "text": "Too much."}, staff()))[0] == 204
    assert (await ask(shop, f"{dispute}/steps", {"act": "appeal"}, buyer.headers))[1]["dispute_status"] == "appealed"
    assert await shop.balance("escrow") == 1_311
    wallet = await shop.balance("wallet", buyer.id)
    await limited(shop, "verdict", 499)
    status, asked = await ask(shop, verdict, {"amount_minor": 500, "text": "Half it is."}, shop.operator)
    assert (status, await shop.balance("escrow")) == (202, 1_311)
    await approve(shop, asked["approval_id"])
    assert await shop.balance("wallet", buyer.id) == wallet + 500
    assert await shop.balance("escrow") == 0
    # Of 111 commission and 19 fee floor(500/1311 of them) go back: 42 and 7.
    earned = 3_933 - 500 - (333 - 42) - (59 - 7)
    assert await shop.balance("seller", seller) == earned

    seen = (await shop.http.get(dispute, headers=buyer.headers)).json()
    assert [(step["party"], step["act"]) for step in seen["steps"]] == [
        ("buyer", "open"), ("seller", "answer"), ("buyer", "escalate"), ("operator", "decide"), ("seller", "appeal"),
        ("operator", "decide"),
    ]  # fmt: skip
    shown = await shop.http.get(f"{dispute}/files/{seen['steps'][0]['id']}", headers=buyer.headers)
    assert shown.json() == PDF | {"type": "application/pdf"}
    assert (await ask(shop, path, claim_of(1, 3), buyer.headers))[1]["left"] == 2
    await shop.audited()


async def test_2_what_was_paid_out_is_disputed(shop: Shop) -> None:
    """When the seller has been paid out, what is disputed is called back, and the seller owes it; who is silent has
    lost, and the next payout has that much less."""
    seller, buyer = await shop.seller(), await shop.buyer()
    (order,) = await buyer.buy([(await shop.offer(seller, 1_111, 3), 3)])
    path, wallet = await sent(shop, order, "1"), await shop.balance("wallet", buyer.id)
    assert (await buyer.send("POST", path.replace("disputes", "confirm"))).status_code == 204
    await shop.run(after=timedelta(minutes=1))
    await shop.run(after=timedelta(days=5))  # the payout has arrived
    earned, owed = 3_933 - 333 - 59, 2_622 - 222 - 39
    assert (await shop.balance("payout"), await shop.balance("seller", seller)) == (earned, 0)
    assert (await ask(shop, path, claim_of(1, 2), buyer.headers))[0] == 201
    assert (await shop.balance("escrow"), await shop.balance("seller", seller)) == (2_622, -owed)
    await shop.run(after=timedelta(days=3))
    await shop.run(after=timedelta(days=7))
    assert await shop.balance("wallet", buyer.id) == wallet + 2_622
    assert (await shop.balance("escrow"), await shop.balance("seller", seller)) == (0, -owed)
    assert await shop.balance("commission") == 111

    staff = shop.session(Role.SELLER, new_id(START), seller)
    period = {"currency": "USD", "first": "2026-03-01", "last": "2026-03-31"}
    found = (await shop.http.get("/v1/seller/statement", params=period, headers=staff)).json()
    assert found["closing_minor"] == -owed
    lines = {line["code"]: line["amount_minor"] for line in found["lines"] if line["event"].startswith("prt_")}
    assert lines == {"recall": -2_622, "commission_back": 222, "payment_fee_back": 39}

    (second,) = await buyer.buy([(await shop.offer(seller, 10_000, 1), 1)])
    late = await sent(shop, second, "2")
    assert (await buyer.send("POST", late.replace("disputes", "confirm"))).status_code == 204
    await shop.run(after=timedelta(days=14, seconds=1))
    staff = shop.session(Role.SELLER, new_id(START), seller)
    payouts = (await shop.http.get("/v1/seller/payouts", headers=staff)).json()["items"]
    assert [payout["amount_minor"] for payout in payouts] == [10_600 - 1_000 - 159 - owed, earned]
    state = await shop.state()
    told = await ask(shop, late, claim_of(1, 1), buyer.headers)
    assert told[1]["type"] == "/problems/dispute_too_late"
    assert await shop.state() == state
    await shop.audited()


async def test_2_a_market_may_release_by_the_scan(shop: Shop) -> None:
    """Terms are dated: from now on the scan of its delivery releases an order, and one without waits for its timer."""
    seller, buyer = await shop.seller(), await shop.buyer()
    offer = await shop.offer(seller, 1_000, 2)
    scanned, silent = [(await buyer.buy([(offer, 1)]))[0] for _ in range(2)]
    async with shop.db.write() as tx:
        await sellers.set_terms(tx, msgspec.structs.replace(TERMS, valid_from=tx.now, confirm_after_s=0))
    await sent(shop, scanned, "1")
    await sent(shop, silent, "2")
    async with shop.db.write() as tx:
        await logistics.track(tx, 0, [logistics.Scan("house", "1", "delivered", tx.now)])
    await shop.run()
    each = 1_600 - 100 - 24
    assert await shop.balance("seller", seller) == each
    await shop.run(after=timedelta(days=30) - timedelta(seconds=1))
    assert await shop.balance("escrow") == 1_600
    await shop.run(after=timedelta(seconds=1))
    assert await shop.balance("escrow") == 0
    await shop.audited()


async def promote(shop: Shop, code: str, percent_bp: int, funding_party: str, minimum_minor: int = 0) -> None:
    async with shop.db.write() as tx:
        day = timedelta(days=1)
        await pricing.add_promotion(
            tx, pricing.Promotion(code, "us", percent_bp, None, minimum_minor, funding_party, START - day, START + day)
        )


async def test_3_refunds_and_edits(shop: Shop) -> None:
    """An order of 3 for 1,000 and 2 for 500, a tenth off by the operator: paid are 4,000 - 400 + 700 of shipping, of
    the first line 3,000 - 300 + 525, of the second 1,000 - 100 + 175. A unit of the first is canceled; both of the
    second are made cheaper, once before they are sent and once after the seller was paid. What goes back is that
    line's share and no more, and the order's reading explains each cent."""
    seller, buyer = await shop.seller(), await shop.buyer()
    first, second = await shop.offer(seller, 1_000, 3), await shop.offer(seller, 500, 2)
    await promote(shop, "tenth", 1_000, "operator", 3_900)
    wallet = await shop.balance("wallet", buyer.id)
    (order,) = await buyer.buy([(first, 3), (second, 2)], "tenth")
    path, theirs = f"/v1/orders/{show('ord', order)}", f"/v1/seller/orders/{show('ord', order)}"

    def staff(of: UUID = seller) -> dict[str, str]:
        return shop.session(Role.SELLER, new_id(START), of)

    one = {"lines": [{"line_no": 1, "quantity": 1}]}
    gift = {"line_no": 2, "amount_minor": 100, "reason": "It comes late."}
    stranger, other = await shop.buyer(), staff(await shop.seller())
    state = await shop.state()
    for wrong, code in (
        ({"lines": [{"line_no": 1, "quantity": 4}]}, "units_taken"),
        ({"lines": [{"line_no": 3, "quantity": 1}]}, "line_not_there"),
        ({"lines": [*one["lines"], *one["lines"]]}, "malformed"),
    ):
        assert (await ask(shop, f"{path}/cancel-lines", wrong, buyer.headers))[1]["type"] == f"/problems/{code}"
    assert (await ask(shop, f"{path}/cancel-lines", one, stranger.headers))[0] == 404
    assert (await ask(shop, f"{theirs}/cancel-lines", one, other))[0] == 404
    assert (await ask(shop, f"{theirs}/refund-line", gift, other))[0] == 404
    assert (await ask(shop, f"{theirs}/refund-line", gift | {"amount_minor": 1_076}, staff()))[1]["left_minor"] == 1_075
    assert await shop.state() == state

    # A third of 3,225: the discount's threshold was met at the time, so the others keep their tenth.
    assert (await ask(shop, f"{path}/cancel-lines", one, buyer.headers))[0] == 204
    assert await shop.balance("wallet", buyer.id) == wallet - 4_300 + 1_075
    assert (await shop.balance("promotions"), await shop.balance("escrow")) == (-300, 4_700 - 1_075 - 100)
    assert await shop.stock(first) == (3, 0, 2)
    assert (await ask(shop, f"{theirs}/refund-line", gift, staff()))[0] == 204
    await sent(shop, order, "1")
    assert await shop.stock(first) == (1, 0, 0)
    assert (await ask(shop, f"{path}/cancel-lines", one, buyer.headers))[1]["type"] == "/problems/wrong_status"
    assert (await buyer.send("POST", f"{path}/confirm")).status_code == 204
    await shop.run(after=timedelta(days=1))
    await shop.run(after=timedelta(days=5))  # the payout has arrived
    assert await shop.balance("seller", seller) == 0

    # All that is left of the second line: 1,075 - 100, and of its 100 of discount and 100 of commission 100 - 9 each.
    gift = {"line_no": 2, "amount_minor": 975, "reason": "It was empty."}
    assert (await ask(shop, f"{theirs}/refund-line", gift, staff()))[0] == 204
    assert await shop.balance("seller", seller) == -(975 + 91 - 91 - 15)  # 15 of the payment fee
    assert await shop.balance("wallet", buyer.id) == wallet - 4_300 + 1_075 + 100 + 975
    assert await shop.balance("commission") == 400 - 100 - 9 - 91
    assert (await ask(shop, f"{theirs}/refund-line", gift, staff()))[1]["left_minor"] == 0

    seen = (await shop.http.get(theirs, headers=staff())).json()
    assert (seen["order"]["paid"]["minor"], seen["refunded"]["minor"]) == (4_300, 1_075 + 100 + 975)
    assert [
        (part["kind"], part["party"], part["reason"], part["lines"][0]["quantity"], part["back"]["minor"],
         part["from_seller"]["minor"], part["from_operator"]["minor"])
        for part in seen["parts"]
    ] == [
        ("canceled", "buyer", "", 1, 1_075, 1_175 - 100 - 16, 100 + 16 - 100),
        ("refunded", "seller", "It comes late.", 0, 100, 109 - 9 - 1, 9 + 1 - 9),
        ("refunded", "seller", "It was empty.", 0, 975, 1_066 - 91 - 15, 91 + 15 - 91),
    ]  # fmt: skip
    told = (await shop.http.get(path, headers=buyer.headers)).json()
    assert [part["back"]["minor"] for part in told["parts"]] == [1_075, 100, 975]
    assert [part["from_seller"] for part in told["parts"]] == [None, None, None]
    await shop.audited()


async def test_3_nothing_remains(shop: Shop) -> None:
    """Others' bugs: canceled unit by unit, with a discount and shipping that split unevenly, nothing remains anywhere.
    And what is given back after the market has doubled its commission is given back at the rate of the sale."""
    seller, buyer = await shop.seller(), await shop.buyer()
    offers = [await shop.offer(seller, price, 3) for price in (333, 1_001)]
    await promote(shop, "odd", 777, "operator")
    wallet = await shop.balance("wallet", buyer.id)
    (order,) = await buyer.buy([(offers[0], 3), (offers[1], 2)], "odd")
    for line_no in (1, 2, 1, 2, 1):
        assert await shop.balance("wallet", buyer.id) < wallet
        one = {"lines": [{"line_no": line_no, "quantity": 1}]}
        assert (await ask(shop, f"/v1/orders/{show('ord', order)}/cancel-lines", one, buyer.headers))[0] == 204
    view = (await buyer.send("GET", f"/v1/orders/{show('ord', order)}")).json()
    assert (view["order"]["status"], view["refunded"]["minor"]) == ("canceled", view["order"]["paid"]["minor"])
    assert (await shop.balance("wallet", buyer.id), await shop.balance("escrow")) == (wallet, 0)
    assert [await shop.stock(offer) for offer in offers] == [(3, 0, 0), (3, 0, 0)]
    assert [await shop.balance(code) for code in ("promotions", "commission", "payment_fee")] == [0, 0, 0]

    (order,) = await buyer.buy([(offers[1], 3)])
    async with shop.db.write() as tx:
        await sellers.set_terms(tx, msgspec.structs.replace(TERMS, valid_from=tx.now, commission_bp=2_000))
    await sent(shop, order, "1")
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/confirm")).status_code == 204
    assert await shop.balance("commission") == 300
    gift = {"line_no": 1, "amount_minor": 3_603, "reason": "All of it broke."}
    staff = shop.session(Role.SELLER, new_id(START), seller)
    path = f"/v1/seller/orders/{show('ord', order)}/refund-line"
    assert (await ask(shop, path, gift, staff))[0] == 204
    assert [await shop.balance(code) for code in ("escrow", "commission", "payment_fee")] == [0, 0, 0]
    assert (await shop.balance("seller", seller), await shop.balance("wallet", buyer.id)) == (0, wallet)
    await shop.audited()


async def bought(shop: Shop, buyer: Buyer, offer: int, number: str) -> tuple[UUID, str]:
    """An order that was sent and confirmed; where an amount of it is given back."""
    (order,) = await buyer.buy([(offer, 1)])
    await sent(shop, order, number)
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/confirm")).status_code == 204
    return order, f"/v1/seller/orders/{show('ord', order)}/refund-line"


async def test_3_refund_after_payout(shop: Shop) -> None:
    """A fifth of each release is held back for ten days, and then free by itself. When more goes back than the seller
    has, the account is below zero: the operator sees for how long, writes off some of it, and what is released next
    fills up the rest before anything is paid out."""
    seller, buyer = await shop.seller(), await shop.buyer()
    offer, theirs = await shop.offer(seller, 10_000, 3), show("sel", seller)
    earned = 10_600 - 1_000 - 159
    kept = 1_888  # a fifth of 9,441

    def staff() -> dict[str, str]:
        return shop.session(Role.SELLER, new_id(START), seller)

    async def read(path: str, headers: dict[str, str]) -> Any:
        return (await shop.http.get(path, headers=headers)).json()["items"]

    reserve = {"reserve_bp": 2_000, "hold_days": 10, "source": "new"}
    early = reserve | {"valid_from": shop.clock.now().isoformat()}
    assert (await ask(shop, f"/v1/sellers/{theirs}/reserves", early, shop.operator))[0] == 400
    assert (await ask(shop, f"/v1/sellers/{theirs}/reserves", reserve, shop.operator))[0] == 204
    shop.clock.advance(timedelta(minutes=5))
    first, refund = await bought(shop, buyer, offer, "1")
    period = {"currency": "USD", "first": "2026-03-01", "last": "2026-03-31"}
    found = (await shop.http.get("/v1/seller/statement", params=period, headers=staff())).json()
    assert (found["closing_minor"], found["reserved_minor"]) == (earned, kept)
    (held,) = found["reserves"]
    assert (held["event"], held["amount_minor"]) == (show("ord", first), kept)
    assert held["until"] == f"{shop.clock.now() + timedelta(days=10):%Y-%m-%dT%H:%M:%SZ}"
    await shop.run()
    await shop.run(after=timedelta(days=5))  # Monday's payout has arrived
    assert (await shop.balance("payout"), await shop.balance("seller", seller)) == (earned - kept, kept)
    await shop.run(after=timedelta(days=5))  # the reserve is free; it goes out with the next payout, in four days
    await shop.run(after=timedelta(days=4))
    await shop.run(after=timedelta(days=5))
    assert (await shop.balance("payout"), await shop.balance("seller", seller)) == (earned, 0)

    # 10,000 of 10,600 go back, with 943 of commission and 150 of fee.
    owed = 10_000 - 943 - 150
    assert (await ask(shop, refund, {"line_no": 1, "amount_minor": 10_000, "reason": "It broke."}, staff()))[0] == 204
    since = shop.clock.now()
    await shop.run(after=timedelta(days=45, hours=1))
    assert await read("/v1/operator/debts", shop.operator) == [
        {"seller_id": theirs, "currency": "USD", "owed_minor": owed, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "days": 45}
    ]
    assert await read("/v1/seller/debts", staff()) == await read("/v1/operator/debts", shop.operator)
    loss = {"currency": "USD", "amount_minor": owed + 1, "reason": "It is gone."}
    path = f"/v1/operator/debts/{theirs}/write-off"
    state = await shop.state()
    assert (await ask(shop, path, loss, shop.operator))[1]["owed_minor"] == owed
    assert (await ask(shop, path, loss | {"currency": "EUR"}, shop.operator))[0] == 404
    assert (await ask(shop, path, loss, staff()))[0] == 403
    assert await shop.state() == state
    assert (await ask(shop, path, loss | {"amount_minor": 907}, shop.operator))[0] == 204
    assert (await shop.balance("bad_debt"), await shop.balance("seller", seller)) == (-907, 907 - owed)

    await bought(shop, buyer, offer, "2")
    assert await read("/v1/seller/debts", staff()) == []
    third, _ = await bought(shop, buyer, offer, "3")
    path, claim = f"/v1/orders/{show('ord', third)}/disputes", claim_of(1, 1)
    disputed = (await ask(shop, path, claim, buyer.headers))[1]["id"]
    assert (await ask(shop, f"{path}/{disputed}/steps", {"act": "withdraw"}, buyer.headers))[0] == 204
    period = {"currency": "USD", "first": f"{shop.clock.now():%Y-%m-%d}", "last": f"{shop.clock.now():%Y-%m-%d}"}
    found = (await shop.http.get("/v1/seller/statement", params=period, headers=staff())).json()
    assert found["reserved_minor"] == 2 * kept  # of what was recalled and released again it is held once
    before = await shop.balance("payout")
    assert await shop.balance("seller", seller) == 2 * earned - owed + 907
    for days in (10, 14, 5):  # the reserve is free, the payout is sent, it has arrived
        await shop.run(after=timedelta(days=days))
    assert await shop.balance("payout") == before + 2 * earned - owed + 907
    assert await shop.balance("seller", seller) == 0
    await shop.audited()


async def test_3_return_with_inspection(shop: Shop) -> None:
    """Of three of the operator's own, which cost 400 each, two are sent back unwanted after the order was released. One
    of them is worn: it is written off, and of the 2,622 paid for both 2,000 are offered. The buyer accepts; one goes
    back on stock with its cost. The third comes too late."""
    own, buyer = await shop.seller("own"), await shop.buyer()
    offer = await shop.offer(own, 1_111, 3, cost_minor=400)
    (order,) = await buyer.buy([(offer, 3)])
    path = await sent(shop, order, "1")
    wallet = await shop.balance("wallet", buyer.id)

    def staff() -> dict[str, str]:
        return shop.session(Role.SELLER, new_id(START), own)

    def claim(quantity: int) -> dict[str, Any]:
        return {"kind": "unwanted", "lines": [{"line_no": 1, "quantity": quantity}], "text": "Too small."}

    async with shop.db.write() as tx:
        await logistics.track(tx, 0, [logistics.Scan("house", "1", "delivered", tx.now)])
    await shop.run()
    assert (await buyer.send("POST", path.replace("disputes", "confirm"))).status_code == 204
    status, opened = await ask(shop, path, claim(2), buyer.headers)
    assert (status, await shop.balance("escrow")) == (201, 2_622)
    steps, theirs = f"{path}/{opened['id']}/steps", f"/v1/seller/disputes/{opened['id']}/steps"
    seen = (await shop.http.get(f"{path}/{opened['id']}", headers=buyer.headers)).json()["dispute"]
    assert (seen["kind"], seen["status"]) == ("unwanted", "returning")

    looked = {
        "act": "inspect",
        "amount_minor": 2_000,
        "text": "One is worn.",
        "restock": [{"line_no": 1, "quantity": 1}],
    }
    state = await shop.state()
    assert (await ask(shop, theirs, looked, staff()))[1]["dispute_status"] == "returning"
    assert await shop.state() == state
    assert (await ask(shop, steps, {"act": "send_back", "text": "Post, RR 1"}, buyer.headers))[0] == 204
    state = await shop.state()
    too_many = looked | {"restock": [{"line_no": 1, "quantity": 3}]}
    assert (await ask(shop, theirs, too_many, staff()))[1]["left"] == 2
    assert (await ask(shop, theirs, looked | {"amount_minor": 2_623}, staff()))[1]["claimed_minor"] == 2_622
    assert await shop.state() == state
    assert (await ask(shop, theirs, looked, staff()))[0] == 204
    assert await shop.stock(offer) == (1, 0, 0)
    assert (await shop.balance("cost_of_goods"), await shop.balance("own_stock")) == (-800, -400)
    assert (await ask(shop, steps, {"act": "accept"}, buyer.headers))[0] == 204
    assert await shop.balance("wallet", buyer.id) == wallet + 2_000
    assert (await shop.balance("escrow"), await shop.balance("own_revenue")) == (0, 1_311 + 622)
    view = (await buyer.send("GET", f"/v1/orders/{show('ord', order)}")).json()
    assert [(part["kind"], part["paid"]["minor"], part["back"]["minor"]) for part in view["parts"]] == [
        ("returned", 2_622, 2_000)
    ]
    await shop.run(after=timedelta(days=14, seconds=1))
    state = await shop.state()
    assert (await ask(shop, path, claim(1), buyer.headers))[1]["type"] == "/problems/return_too_late"
    assert await shop.state() == state
    await shop.audited()
