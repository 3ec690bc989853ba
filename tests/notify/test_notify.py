"""Who is told what, in which language, once; what becomes of it when the mail server refuses, is away, or we are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from entrepot import credit, orders, reviews
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, parse, show
from entrepot.logistics import NewShipment
from entrepot.notify import jobs, rules
from entrepot.notify.channels import HttpSms, Send, SmtpMail, build_mail
from entrepot.notify.types import Letter, RefusedError
from entrepot.notify.writing import LANGUAGES
from entrepot.world.sms import Phones
from tests.notify.post import FROM, Office, open_office, post, staff, written_to
from tests.shop import MARKET, START, Buyer, Shop, open_shop


@pytest.fixture(scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


@pytest.fixture
async def shop(own_db_url: str, office: Office) -> AsyncIterator[Shop]:
    office.taken.clear()
    office.answers.clear()
    async with open_shop(own_db_url) as opened:
        yield opened


class _Killed(BaseException):
    """What no handler catches."""


async def _ada(shop: Shop, **wish: object) -> Buyer:
    ada = await written_to(shop, await shop.buyer(), "ada@example.org")
    if wish:
        assert (await ada.send("PUT", "/v1/message-preferences", wish)).status_code == 204
    return ada


async def test_a_purchase_is_told_to_each_in_their_language_once(shop: Shop, office: Office) -> None:
    seller = await shop.seller()
    sam = await staff(shop, seller, "sam@example.org")
    ada, channels = await _ada(shop, language="de-AT"), office.channels(shop)
    (order,) = await ada.buy([(await shop.offer(seller, 1_000, 3), 2)])
    assert await post(shop, channels) == 2
    shop.clock.advance(timedelta(minutes=1))
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", "T-17")])
    await post(shop, channels)
    async with shop.db.write() as tx:  # the log is read again from its start
        await tx.conn.execute("delete from kit.cursor where consumer = 'notify'")
    assert await post(shop, channels) == 0

    assert office.subjects("ada@example.org") == ["Danke für deine Bestellung", "Deine Bestellung ist unterwegs"]
    assert office.subjects("sam@example.org") == ["A new order"]
    paid, _ = office.of("ada@example.org")
    assert (paid["From"], paid["To"], paid["Content-Language"]) == (FROM, "ada@example.org", "de")
    assert paid["Auto-Submitted"] == "auto-generated"
    assert paid["List-Unsubscribe"] is None  # that a purchase is paid cannot be muted
    plain, html = (paid.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "26,00\xa0$" in plain
    assert "- 2 x Product" in plain
    assert "https://shop.example/orders/grp_" in html
    assert "Ada" not in plain + html  # nothing that the mail does not need
    assert "Sendung: house T-17" in office.texts("ada@example.org")[1]
    assert len({mail["Message-ID"] for _, mail in office.taken}) == 3

    mine = (await ada.send("GET", "/v1/messages")).json()["items"]
    assert [(one["kind"], one["status"], one["attempts"]) for one in mine] == [
        ("shipped", "sent", 1),
        ("paid", "sent", 1),
    ]
    hers = await shop.http.get("/v1/messages", headers=shop.session(Role.SELLER, sam, seller))
    assert [one["kind"] for one in hers.json()["items"]] == ["new_order"]


async def test_disputes_are_told_with_their_deadlines_and_reminded_of_once(shop: Shop, office: Office) -> None:
    seller = await shop.seller()
    await staff(shop, seller, "sam@example.org")
    ada, channels = await _ada(shop), office.channels(shop)
    (order,) = await ada.buy([(await shop.offer(seller, 1_000, 3), 2)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", "T-1")])
    await post(shop, channels)
    claim = {"kind": "wrong_or_damaged", "lines": [{"line_no": 1, "quantity": 1}], "text": "It says Wilhelmina on it."}
    path = f"/v1/orders/{show('ord', order)}/disputes"
    dispute = (await ada.send("POST", path, claim)).json()["id"]
    await post(shop, channels)
    assert office.subjects("sam@example.org") == ["A new order", "A buyer says that something is wrong"]
    said = office.texts("sam@example.org")[1]
    assert "Please answer by Mar 5, 2026, 09:00" in said.replace("\u202f", " ")
    assert "Wilhelmina" not in said
    shop.clock.advance(timedelta(days=2))  # a day before the seller's turn ends, and again
    await post(shop, channels)
    await post(shop, channels)
    assert office.subjects("sam@example.org")[2:] == ["Please answer soon"]
    headers = shop.session(Role.SELLER, new_id(START), seller)
    answer = {"act": "answer", "amount_minor": 500}
    assert (await shop.http.post(f"/v1/seller/disputes/{dispute}/steps", json=answer, headers=headers)).is_success
    await post(shop, channels)
    assert office.subjects("ada@example.org")[-1] == "The seller has answered"
    assert "offers $5.00 of $13.00" in str(office.of("ada@example.org")[-1])
    assert (await ada.send("POST", f"{path}/{dispute}/steps", {"act": "accept"})).is_success
    await post(shop, channels)
    shop.clock.advance(timedelta(days=2))  # the buyer's reminder is moot
    await post(shop, channels)
    assert office.subjects("ada@example.org")[-1] == "It is settled"
    assert "the buyer gets $5.00 of $13.00" in str(office.of("sam@example.org")[-1])
    listed = await shop.http.get("/v1/operator/messages", params={"status": "dropped"}, headers=shop.operator)
    assert [(one["kind"], one["reason"]) for one in listed.json()["items"]] == [("dispute_reminder", "moot")]


async def test_a_server_killed_between_send_and_mark_sends_once_more_under_the_same_id(
    shop: Shop, office: Office
) -> None:
    class Killed(SmtpMail):
        @asynccontextmanager
        async def session(self) -> AsyncIterator[Send]:
            async with super().session() as send:

                async def send_and_die(letter: Letter) -> None:
                    await send(letter)
                    raise _Killed

                yield send_and_die

    seller, ada, channels = await shop.seller(), await _ada(shop), office.channels(shop)
    await ada.buy([(await shop.offer(seller, 1_000, 3), 1)])
    await shop.run()
    dying = office.channels(shop, mail=Killed(f"smtp://127.0.0.1:{office.port}", FROM))
    with pytest.raises(_Killed):
        await jobs.send_due(shop.db, dying, 0)
    assert await post(shop, channels) == 0  # it is leased
    shop.clock.advance(jobs.LEASE)
    assert await post(shop, channels) == 1
    shop.clock.advance(jobs.LEASE)
    assert await post(shop, channels) == 0
    first, second = office.of("ada@example.org")
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])


async def test_what_the_server_refuses_for_good_waits_for_the_operator_and_what_it_puts_off_is_tried_again(
    shop: Shop, office: Office
) -> None:
    seller, ada, channels = await shop.seller(), await _ada(shop), office.channels(shop)
    offer = await shop.offer(seller, 1_000, 3)

    async def failed() -> list[tuple[str, int]]:
        listed = await shop.http.get("/v1/operator/messages", headers=shop.operator)
        return [(one["reason"], one["attempts"]) for one in listed.json()["items"]]

    office.answers["ada@example.org"] = "550 5.1.1 <ada@example.org> is unknown here"
    await ada.buy([(offer, 1)])
    assert await post(shop, channels) == 1
    assert await failed() == [("smtp: 550 5.1.1", 1)]  # and not the address
    (one,) = (await shop.http.get("/v1/operator/messages", headers=shop.operator)).json()["items"]
    office.answers["ada@example.org"] = "451 4.7.1 later"
    path = f"/v1/operator/messages/{one['id']}"
    assert "Thank you for your order" in (await shop.http.get(path, headers=shop.operator)).text
    assert (await shop.http.post(f"{path}/resend", headers=shop.operator)).status_code == 204
    again = await shop.http.post(f"{path}/resend", headers=shop.operator)
    assert (again.status_code, again.json()["message_status"]) == (409, "due")
    for attempts in range(1, rules.TRIES + 1):
        assert (attempts, await jobs.send_due(shop.db, channels, 0)) == (attempts, 1)
        assert attempts > 1 or await post(shop, channels) == 0
        shop.clock.advance(rules.pause(attempts))
    assert await failed() == [("smtp: 451 4.7.1", rules.TRIES)]
    assert office.taken == []
    await shop.http.post(f"{path}/resend", headers=shop.operator)
    office.answers.clear()
    assert await post(shop, channels) == 1
    assert office.of("ada@example.org")[0]["Message-ID"] == f"<{one['id']}@entrepot.example>"
    away = office.channels(shop, mail=SmtpMail("smtp://127.0.0.1:1", FROM))
    await ada.buy([(offer, 1)])
    assert await post(shop, away) == 1
    due = await shop.http.get("/v1/operator/messages", params={"status": "due"}, headers=shop.operator)
    assert [(one["reason"], one["attempts"]) for one in due.json()["items"]] == [("smtp: ConnectionRefusedError", 1)]


async def test_nobody_is_flooded_what_is_old_is_no_news_and_who_is_erased_gets_nothing(
    shop: Shop, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "PER_HOUR", 2)
    seller, ada, channels = await shop.seller(), await _ada(shop), office.channels(shop)
    offer = await shop.offer(seller, 1_000, 9)
    for _ in range(3):
        await ada.buy([(offer, 1)])
    await post(shop, channels)
    assert len(office.taken) == 2
    shop.clock.advance(jobs.HOUR)
    await post(shop, channels)
    assert len(office.taken) == 3
    await ada.buy([(offer, 1)])
    shop.clock.advance(rules.NEWS)  # nobody worked for a week
    await post(shop, channels)
    assert len(office.taken) == 3
    await ada.buy([(offer, 1)])
    await shop.run()
    assert (await ada.send("PUT", "/v1/message-preferences", {"phone": "+4930123456"})).is_success
    assert (await ada.send("DELETE", "/v1/accounts/me")).status_code == 204
    await jobs.send_due(shop.db, channels, 0)  # before the event of it is read
    await post(shop, channels)
    assert len(office.taken) == 3
    async with shop.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from notify.message") == 0
        assert await tx.conn.fetchval("select count(*) from notify.preference") == 0


async def test_who_buys_in_installments_is_told_what_is_due_and_not_that_it_waits_for_its_payment(
    shop: Shop, office: Office
) -> None:
    ada, channels = await _ada(shop), office.channels(shop)
    async with shop.db.write() as tx:
        terms = credit.Terms(MARKET, START, 86_400, 86_400, 0, 0, 90 * 86_400, [0], [50_000], "tests")
        await credit.set_terms(tx, terms)
        await credit.set_plan_terms(tx, credit.PlanTerms(MARKET, 3, START, True, 0, "buyer", 24, "tests"))
    quote = await ada.quote([(await shop.offer(await shop.seller(), 1_000, 3), 2)])
    place = orders.Place(ada.id, "key", parse("quo", quote["id"]), credit.INSTALLMENTS, months=3)
    await orders.place_on_credit(shop.db, 0, place)
    await post(shop, channels)
    shop.clock.advance(timedelta(days=31))
    await post(shop, channels)
    await post(shop, channels)
    assert office.subjects("ada@example.org") == ["Thank you for your order", "An installment is due"]
    said = office.texts("ada@example.org")[1]
    assert "$8.67 of what you buy" in said  # a third of 26.00
    assert f"https://shop.example/account/installments/{quote['id'].replace('quo', 'grp')}" in said
    shop.clock.advance(timedelta(days=1))  # asked for anew, and paid before the mail goes out
    await shop.run()
    paying = await ada.send("POST", f"/v1/installments/{quote['id'].replace('quo', 'grp')}/pay", {"what": "due"})
    assert paying.status_code == 200
    await post(shop, channels)
    assert len(office.taken) == 2
    shop.clock.advance(timedelta(days=365))  # nothing more is paid
    await post(shop, channels)
    assert office.subjects("ada@example.org")[2:] == ["An installment plan is given up"]
    assert "$17.33 are still owed" in office.texts("ada@example.org")[2]


async def test_a_topic_can_be_muted_by_the_mail_s_own_link(shop: Shop, office: Office) -> None:
    seller, channels = await shop.seller(), office.channels(shop)
    await staff(shop, seller, "sam@example.org")
    offer, buyer = await shop.offer(seller, 1_000, 3), await shop.buyer()
    await buyer.buy([(offer, 1)])
    await post(shop, channels)
    (mail,) = office.of("sam@example.org")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("https://shop.example")
    forged = await shop.http.post(link.replace("/unsubscribe/", "/unsubscribe/A"))
    assert forged.status_code == 404
    assert "New orders, reviews and payouts" in (await shop.http.get(link)).text
    assert (await shop.http.post(link, data={"List-Unsubscribe": "One-Click"})).status_code == 303
    await buyer.buy([(offer, 1)])
    await post(shop, channels)
    assert len(office.taken) == 1


async def test_text_messages_are_signed_and_counted_once(shop: Shop, office: Office) -> None:
    phones = Phones(b"the key: of sms", shop.clock)
    transport = httpx.ASGITransport(phones)
    seller, ada = await shop.seller(), await _ada(shop, language="de", phone="+4930123456")
    (order,) = await ada.buy([(await shop.offer(seller, 1_000, 3), 1)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", "T-9")])
    sms = HttpSms("http://:the%20key%3A%20of%20sms@sms.test/texts", shop.clock, transport)
    channels = office.channels(shop, sms=sms)
    phones.faults = 1  # taken, and the answer is a fault
    await post(shop, channels)
    shop.clock.advance(rules.PAUSE)
    await post(shop, channels)
    (text,) = phones.texts.values()
    assert text.to == "+4930123456"
    assert text.text.startswith(
        "Deine Bestellung von A Seller ist unterwegs. house T-9 https://shop.example/orders/grp_"
    )
    wrong = office.channels(shop, sms=HttpSms("http://:another@sms.test/texts", shop.clock, transport))
    async with shop.db.write() as tx:
        await tx.conn.execute("update notify.message set status = 'due', sent_at = null where channel = 'sms'")
    shop.clock.advance(jobs.LEASE)
    await jobs.send_due(shop.db, wrong, 0)
    due = await shop.http.get("/v1/operator/messages", params={"status": "due"}, headers=shop.operator)
    assert [one["reason"] for one in due.json()["items"]] == ["sms: 401"]
    phones.refused.add("+4930123456")
    shop.clock.advance(jobs.LEASE)
    await post(shop, channels)
    failed = (await shop.http.get("/v1/operator/messages", headers=shop.operator)).json()["items"]
    assert [(one["channel"], one["reason"]) for one in failed] == [("sms", "sms: 422")]


async def test_reviews_answers_and_refunds_into_the_wallet_are_told(shop: Shop, office: Office) -> None:
    seller, ada, channels = await shop.seller(), await _ada(shop, language="de"), office.channels(shop)
    await staff(shop, seller, "sam@example.org")
    (order,) = await ada.buy([(await shop.offer(seller, 1_000, 3), 1)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", "T-9")])
        await tx.conn.execute("update orders.order set status = 'delivered', delivered_at = $1", tx.now)
    async with shop.db.write() as tx:
        review = await reviews.write(tx, 0, ada.id, order, 1, reviews.Said(4, "Fine."), "en")
        await reviews.answer(tx, seller, review, "Thanks.")
        # The order is of another cell than the buyer is: nothing of it is found here.
        paid = {"buyer_id": ada.id, "currency": "USD", "amount_minor": 1_250, "refund_id": review, "payment_id": review}
        tx.emit("refund_credited", new_id(START), paid, 0)
    await post(shop, channels)
    for hidden in (True, False):  # who is told of the second one reads what is true by then: nothing
        async with shop.db.write() as tx:
            await reviews.set_hidden(tx, review, ada.id, "It is about the parcel.", hidden=hidden)
        if hidden:
            await post(shop, channels)
    await post(shop, channels)
    assert sorted(office.subjects("sam@example.org")) == ["A buyer has reviewed an order", "A new order"]
    assert sorted(office.subjects("ada@example.org")) == [
        "Auf deine Bewertung wurde geantwortet",
        "Danke für deine Bestellung",
        "Dein Geld ist in deinem Guthaben",
        "Deine Bestellung ist unterwegs",
        "Eine Bewertung von dir wird nicht mehr gezeigt",
    ]
    assert "12,50" in "".join(office.texts("ada@example.org"))
    assert "It is about the parcel." in office.texts("ada@example.org")[-1]


async def test_the_operator_is_told_once_a_day_what_waits(shop: Shop, office: Office) -> None:
    await staff(shop, None, "olga@example.org")
    seller, ada, channels = await shop.seller(), await _ada(shop), office.channels(shop)
    office.answers["ada@example.org"] = "550 no"
    await post(shop, channels)
    assert office.taken == []  # nothing waits
    await ada.buy([(await shop.offer(seller, 1_000, 3), 1)])
    await post(shop, channels)
    shop.clock.advance(timedelta(days=1))
    await post(shop, channels)
    await post(shop, channels)
    assert office.subjects("olga@example.org") == ["What waits for you"]
    assert "Messages that could not be sent: 1" in str(office.of("olga@example.org")[0])


@pytest.mark.parametrize(
    "to", ["a@b.example\r\nBcc: c@d.example", "no address", "a@b@c", "", "<a@b.example>, c@d.example"]
)
def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(RefusedError, match="address_not_valid"):
        build_mail(Letter(new_id(START), to, "Hello", "text", "<p>text</p>", "en", START), FROM)


def test_every_message_is_written_in_every_language() -> None:
    told = {pair for pairs in rules.TOLD.values() for pair in pairs}
    told |= {("dispute_reminder", "buyer"), ("dispute_reminder", "seller"), ("digest", "operator")}
    for code, texts in LANGUAGES.items():
        entries = {(kind, party): entry for kind, of in texts.entries.items() for party, entry in of.items()}
        assert set(entries) - {("foot", "all"), ("foot", "muted")} == told, code
        assert {pair for pair, entry in entries.items() if "sms" in entry} == rules.TEXTED, code
        # A subject is the same for everybody: nothing that somebody else has written gets into a header.
        assert [entry for entry in entries.values() if {*"\n{}"} & {*entry.get("subject", "")}] == []
