"""Trust: part 10 of money that ties; the other parts are in test_money.py."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import accounts, worker
from entrepot.kit.auth import Role, hash_password
from entrepot.kit.ids import new_id, parse, show
from entrepot.logistics import NewShipment
from entrepot.orders import holds, ship_many
from tests.acceptance.eyes import limited
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


class Operator:
    """One of the operators, signed in."""

    def __init__(self, shop: Shop, id_: UUID) -> None:
        self.shop, self.id = shop, id_

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        signed = self.shop.session(Role.OPERATOR, self.id) | headers
        answer = await self.shop.http.request(method, path, json=body, headers=signed)
        return answer.status_code, answer.json() if answer.content else None


async def test_10_four_eyes_and_the_audit_log(shop: Shop) -> None:
    """What one may do alone in a day ends; then another has to approve it, once, and each act is in the log."""
    ann, bob = Operator(shop, new_id(START)), Operator(shop, new_id(START))
    buyer = await shop.buyer(0)
    limit = {"currency": "USD", "limit_minor": 1_000}
    assert await ann.send("PUT", "/v1/operator/approval-limits/top_up", limit) == (204, None)

    async def top_up(who: Operator, minor: int, currency: str = "USD") -> tuple[int, Any]:
        body = {"user_id": show("usr", buyer.id), "currency": currency, "amount_minor": minor}
        key = {"idempotency-key": new_id(START).hex}
        status, told = await who.send("POST", "/v1/top-ups", body, **key)
        assert await who.send("POST", "/v1/top-ups", body, **key) == (status, told)
        return status, told["approval_id"]

    assert await top_up(ann, 600) == (201, None)
    status, asked = await top_up(ann, 401)
    assert (status, asked[:4], await shop.balance("wallet", buyer.id)) == (201, "apr_", 600)
    assert await top_up(ann, 400) == (201, None)
    assert await top_up(bob, 1_000) == (201, None)
    path = f"/v1/operator/approvals/{asked}"
    status, refused = await ann.send("POST", f"{path}/approve", {"note": ""})
    assert (status, refused["type"]) == (409, "/problems/not_by_yourself")
    assert await bob.send("POST", f"{path}/approve", {"note": "A bank transfer of the 1st."}) == (204, None)
    status, over = await bob.send("POST", f"{path}/approve", {"note": ""})
    assert (status, over["is_now"], await shop.balance("wallet", buyer.id)) == (409, "approved", 2_401)

    status, asked = await top_up(ann, 5_000)
    shop.clock.advance(timedelta(days=3))
    status, over = await bob.send("POST", f"/v1/operator/approvals/{asked}/approve", {})
    assert (status, over["is_now"], await shop.balance("wallet", buyer.id)) == (409, "expired", 2_401)
    assert await top_up(ann, 1_000) == (201, None)  # another day

    status, waits = await ann.send("PUT", "/v1/operator/approval-limits/top_up", limit | {"limit_minor": None})
    assert status == 202
    assert await ann.send("PUT", "/v1/operator/approval-limits/top_up", limit | {"limit_minor": 10}) == (204, None)
    assert (await bob.send("POST", f"/v1/operator/approvals/{waits['approval_id']}/refuse", {}))[0] == 204

    await limited(shop, "payout_terms", 0, "XXX")
    terms = {"currency": "USD", "every": "day", "source": "tests"}
    first = {"valid_from": shop.clock.now().isoformat()}
    status, asked = await ann.send("POST", "/v1/operator/payout-terms", terms | first)
    assert status == 202, asked
    shop.clock.advance(timedelta(days=1))  # they begin when they are approved, not before
    assert (await bob.send("POST", f"/v1/operator/approvals/{asked['approval_id']}/approve", {}))[0] == 204
    _, found = await bob.send("GET", "/v1/operator/payout-terms?currency=USD")
    assert [datetime.fromisoformat(one["valid_from"]) for one in found["items"]] == [shop.clock.now()]

    status, log = await bob.send("GET", f"/v1/operator/audit?user_id={show('usr', bob.id)}&about={path[23:]}")
    (line,) = log["items"]
    assert (line["route"], line["said"]) == (
        "POST /v1/operator/approvals/{approval_id}/approve", {"note": "A bank transfer of the 1st."},
    )  # fmt: skip
    assert line["before"]["args"]["amount_minor"] == 401
    assert [told.split()[0] for told in line["told"]] == ["approval_given"]
    status, log = await bob.send("GET", "/v1/operator/audit?route=top-ups")
    assert [item["said"]["amount_minor"] for item in log["items"]] == [1_000, 5_000, 1_000, 400, 401, 600]
    csv = await shop.http.get("/v1/operator/audit.csv?route=top-ups", headers=shop.operator)
    assert (csv.headers["content-type"], len(csv.text.splitlines())) == ("text/csv", 7)
    await shop.audited()


async def test_10_sessions_end(shop: Shop) -> None:
    """Somebody's sessions end everywhere; a new one begins; the same token means nothing any more."""
    seller = await shop.seller()
    password_hash = await hash_password("correct horse battery")
    async with shop.db.write() as tx:
        await accounts.add_staff(tx, Role.SELLER, seller, "sam@example.org", "Sam", password_hash)
    who = {"email": "sam@example.org", "password": "correct horse battery"}

    async def sign_in() -> dict[str, str]:
        session = (await shop.http.post("/v1/sessions", json=who)).json()
        return {"authorization": f"Bearer {session['token']}", "user": session["user_id"]}

    async def reads(headers: dict[str, str]) -> int:
        return (await shop.http.get("/v1/seller/orders", headers=headers)).status_code

    old, other = await sign_in(), await sign_in()
    assert (await reads(old), await reads(other)) == (200, 200)
    assert (await shop.http.post("/v1/sessions/end", headers=old)).status_code == 204
    assert (await reads(old), await reads(other)) == (401, 401)
    new = await sign_in()
    assert await reads(new) == 200
    path = f"/v1/operator/users/{new['user']}/sessions/end"
    assert (await shop.http.post(path, headers=shop.operator)).status_code == 204
    assert (await reads(new), await reads(await sign_in())) == (401, 200)


async def test_10_fraud_and_holds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a rule finds odd is held: it keeps its stock, is not sent and not released until that is decided."""
    ann = Operator(shop, new_id(START))
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 10)
    rule = {
        "kind": "new_account", "within_s": 3_600, "currency": "USD", "amount_minor": 3_000, "then": "rejected",
        "hold_s": 86_400, "source": "Chargebacks of last autumn.",
    }  # fmt: skip
    assert await ann.send("POST", "/v1/operator/fraud-rules", rule | {"name": "new_and_dear"}) == (204, None)
    many = {"kind": "buyer", "count": 3, "within_s": 600, "then": "released", "hold_s": 3_600, "source": "Bots."}
    assert await ann.send("POST", "/v1/operator/fraud-rules", many | {"name": "many"}) == (204, None)
    assert (await ann.send("POST", "/v1/operator/fraud-rules", many | {"name": "many"}))[0] == 409
    failed = many | {"kind": "failed_payments", "count": 1, "name": "failed"}
    assert await ann.send("POST", "/v1/operator/fraud-rules", failed) == (204, None)
    buyer = await shop.buyer()

    async def ship(order: UUID) -> int:
        body = {"carrier": "house", "tracking_number": order.hex}
        staff = shop.session(Role.SELLER, new_id(START), seller)
        path = f"/v1/seller/orders/{show('ord', order)}/ship"
        return (await shop.http.post(path, json=body, headers=staff)).status_code

    async def held() -> list[tuple[str, str, str]]:
        items = (await ann.send("GET", "/v1/operator/holds"))[1]["items"]
        return [(one["order_id"], one["ref"], one["kind"]) for one in items]

    (dear,) = await buyer.buy([(offer, 3)])  # 30.00 and shipping, by an account of today
    async with shop.db.write() as tx:  # an installment that was asked for anew is no purchase that failed
        await tx.conn.execute(
            "insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, "
            "created_at) select 0, $1, group_id, buyer_id, 'sandbox', 'USD', 5, 'failed', $2 from orders.order",
            new_id(tx.now), tx.now,
        )  # fmt: skip
    (cheap,) = await buyer.buy([(offer, 1)])
    await shop.run()
    assert await held() == [(show("ord", dear), "new_and_dear", "fraud")]
    assert (await ship(dear), await ship(cheap), await shop.stock(offer)) == (409, 204, (9, 0, 3))
    await shop.run(after=timedelta(days=1))  # nobody has looked: it is canceled, its goods and money go back
    assert (await held(), await shop.stock(offer)) == ([], (9, 0, 0))
    assert (await buyer.send("GET", f"/v1/orders/{show('ord', dear)}")).json()["order"]["status"] == "canceled"

    bought = []
    for _ in range(3):
        shop.clock.advance(timedelta(seconds=9))
        bought += await buyer.buy([(offer, 1)])
    first, second, third = bought
    assert await ship(third) == 204  # before the worker has looked
    await shop.run()
    assert await held() == [(show("ord", third), "many", "fraud")]
    confirm = await buyer.send("POST", f"/v1/orders/{show('ord', third)}/confirm")
    assert (confirm.status_code, confirm.json()["type"]) == (409, "/problems/order_held")
    assert (await ship(first), await ship(second)) == (204, 204)
    await shop.run(after=timedelta(hours=1))  # by itself
    assert await held() == []
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', third)}/confirm")).status_code == 204
    monkeypatch.setattr(holds, "PASSED_MAX", 1)
    gone, *others = sorted([(await buyer.buy([(offer, 1)]))[0] for _ in range(3)])
    await shop.run()
    assert [order for order, _, _ in await held()] == [show("ord", order) for order in (gone, *others)]
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', gone)}/cancel")).status_code == 204
    await shop.run(after=timedelta(hours=1))  # what was canceled does not keep those behind it from their turn
    assert await held() == []
    await shop.audited()


async def test_10_a_service_outside_judges(shop: Shop) -> None:
    """It is asked when an order is paid, signed: it allows or holds. When it is silent a closed hook holds."""
    ann = Operator(shop, new_id(START))
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 10)
    buyer = await shop.buyer()
    heard: list[httpx.Request] = []
    says = {"answer": httpx.Response(200, json={"decision": "hold", "reason": "known card tester"})}

    async def service(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return says["answer"]

    async def paid(fails: str) -> str:
        hook = {"url": "https://judge.test/v1", "fails": fails, "answer_within_s": 60}
        status, told = await ann.send("PUT", "/v1/operator/fraud-hook", hook)
        assert status == 200
        (order,) = await buyer.buy([(offer, 1)])
        await shop.run()
        async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as client:
            for part in await worker.questions(shop.db, client, shop.keys):
                await part()
        stamp, _, mac = heard[-1].headers["entrepot-signature"].removeprefix("t=").partition(",v1=")
        body = heard[-1].content
        assert mac == hmac.digest(told["secret"].encode(), b"%d.%b" % (int(stamp), body), "sha256").hex()
        assert json.loads(body)["order_id"] == show("ord", order)
        return show("ord", order)

    async def why(order: str) -> list[str]:
        items = (await ann.send("GET", "/v1/operator/holds"))[1]["items"]
        return [one["name"] for one in items if one["order_id"] == order]

    async def told(order: str) -> list[str]:
        async with shop.db.read() as tx:
            query = "select kind from kit.event where key = $1 and kind like 'order_h%' order by xid, id"
            return [row[0] for row in await tx.conn.fetch(query, parse("ord", order))]

    for url in ("https://a:99999", "http://judge.test", "https://10.0.0.1/", "https://[::ffff:127.0.0.1]/"):
        assert (await ann.send("PUT", "/v1/operator/fraud-hook", {"url": url, "fails": "open"}))[0] == 400
    here = {"url": "http://127.0.0.1:9/", "fails": "open"}
    assert (await ann.send("PUT", "/v1/operator/fraud-hook", here))[0] == 200
    assert await why(await paid("open")) == ["known card tester"]
    both = await paid("closed")  # no longer held for want of an answer, but for the answer: it does not go on
    assert (await why(both), await told(both)) == (["known card tester"], ["order_held", "order_held"])
    says["answer"] = httpx.Response(200, json={"decision": "allow"})
    assert await why(await paid("closed")) == []
    says["answer"] = httpx.Response(500)
    assert await why(await paid("open")) == []
    closed = await paid("closed")
    assert await why(closed) == ["no answer yet"]
    shop.clock.advance(timedelta(minutes=2))
    async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as client:
        asked = len(heard)
        for part in await worker.questions(shop.db, client, shop.keys):
            assert await part() == 2  # the two that were not answered: now they are silent
    assert (len(heard), await why(closed)) == (asked, ["no answer yet"])
    release = {"note": "Called the buyer.", "seen_until": shop.clock.now().isoformat()}
    assert (await ann.send("POST", f"/v1/operator/holds/{closed}/release", release))[0] == 204
    assert await told(closed) == ["order_held", "order_hold_released"]
    await shop.audited()


async def test_10_reviews(shop: Shop) -> None:
    """Only who got it, once a line, for a time; the ratings are those of the reviews; answered, reported, hidden."""
    ann = Operator(shop, new_id(START))
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 10)
    async with shop.db.read() as tx:
        product = await tx.conn.fetchval("select product_id from catalog.offer where id = $1", offer)
    buyers = [await shop.buyer() for _ in range(3)]
    orders = [(await buyer.buy([(offer, 1)]))[0] for buyer in buyers]
    await shop.run()

    async def say(number: int, stars: int, text: str = "", whose: int | None = None, **more: Any) -> tuple[int, Any]:
        path = f"/v1/orders/{show('ord', orders[number if whose is None else whose])}/lines/1/review"
        answer = await buyers[number].send("PUT", path, {"stars": stars, "text": text} | more)
        return answer.status_code, answer.json()

    async def rating() -> tuple[int, list[int]]:
        await shop.run()
        told = (await shop.http.get(f"/v1/products/{product}/reviews")).json()["rating"]
        listed = (await shop.http.get(f"/v1/ratings?products={product}")).json()["items"]
        assert [one["rating"] for one in listed] == ([told] if told["count"] else [])
        return told["tenths"], told["counts"]

    assert (await say(0, 5))[1]["type"] == "/problems/not_delivered"
    async with shop.db.write() as tx:
        await ship_many(tx, 0, [NewShipment(order, "house", order.hex) for order in orders])
    scan = {"carrier": "house", "status": "delivered", "place": "Door", "at": shop.clock.now().isoformat()}
    scans = [scan | {"tracking_number": order.hex} for order in orders]
    assert (await ann.send("POST", "/v1/tracking", {"scans": scans}))[0] == 200
    await shop.run()
    assert (await say(0, 5, whose=1))[0] == 404
    assert (await say(0, 6))[0] == 400
    assert (await say(0, 5, "See www.example.org!"))[1]["type"] == "/problems/links_not_taken"
    status, first = await say(0, 5, "<b>Good</b>", seller_stars=4)
    assert (status, await rating()) == (200, (50, [0, 0, 0, 0, 1]))
    assert (await say(1, 2, "It broke."))[0] == 200
    assert (await say(0, 4, "Still good."))[1] == first  # changed, not a second one
    assert await rating() == (30, [0, 1, 0, 1, 0])
    shop.clock.advance(timedelta(days=30))
    assert (await say(0, 1))[1]["type"] == "/problems/review_closed"
    assert (await say(2, 3))[0] == 200
    assert await rating() == (30, [0, 1, 1, 1, 0])

    page = (await shop.http.get(f"/v1/products/{product}/reviews?stars=2")).json()["items"]
    assert [(one["text"], one["stars"], one["answer"]) for one in page] == [("It broke.", 2, "")]
    other = shop.session(Role.SELLER, new_id(START), await shop.seller())
    mine = shop.session(Role.SELLER, new_id(START), seller)
    path, body = f"/v1/seller/reviews/{page[0]['id']}/answer", {"text": "We send you another."}
    assert (await shop.http.put(path, json=body, headers=other)).status_code == 404
    assert (await shop.http.put(path, json=body, headers=mine)).status_code == 204
    for _ in range(2):  # once for each
        reported = await shop.http.post(
            f"/v1/reviews/{page[0]['id']}/report", json={"reason": "other"}, headers=mine
        )  # fmt: skip
        assert reported.status_code == 204
    (waits,) = (await ann.send("GET", "/v1/operator/reviews"))[1]["items"]
    assert (waits["reports"], waits["review"]["answer"]) == (1, "We send you another.")
    hide = {"hidden": True, "why": "It is about the parcel."}
    assert (await ann.send("PUT", f"/v1/operator/reviews/{page[0]['id']}", hide))[0] == 204
    assert (await rating(), (await ann.send("GET", "/v1/operator/reviews"))[1]["items"]) == ((35, [0, 0, 1, 1, 0]), [])
    await ann.send("PUT", f"/v1/operator/reviews/{page[0]['id']}", hide | {"hidden": False})
    assert await rating() == (30, [0, 1, 1, 1, 0])

    await ann.send("POST", "/v1/operator/switches/reviews/off", {"for_s": 60, "why": "The peak."})
    await shop.app.state.switches._glance.refresh()
    off = await shop.http.get(f"/v1/products/{product}/reviews")
    assert (off.status_code, off.json()["type"]) == (503, "/problems/switched_off")
    await shop.audited()
