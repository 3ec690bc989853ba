"""The operator's pages of money: balances with their side, and what is stuck, which is dealt with once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import cells, ledger
from entrepot.kit.ids import NIL, new_id
from entrepot.ledger import Transfer
from tests.web.site import Site, text
from tests.web.stage import refuse_refunds


async def refused(site: Site, count: int = 1) -> list[str]:
    async with site.db.write() as tx:
        return await refuse_refunds(tx, site.stage.buyer, count)


async def wallet(site: Site, buyer: UUID) -> int:
    async with site.db.read() as tx:
        return await ledger.balance(tx, 0, "wallet", "USD", buyer)


async def test_a_refused_refund_is_credited_by_its_button(site: Site) -> None:
    operator = site.operator
    assert "Nothing is stuck." in text(await operator.get("/operator/stuck"))
    (refund,) = await refused(site)
    page = text(await operator.get("/operator/stuck"))
    for said in (
        "Refund refused",
        "account_closed",
        "$12.50",
        "gw-",
        "not by itself",
        "Ask again",
        "Pay to the wallet",
    ):
        assert said in page
    before = await wallet(site, site.stage.buyer)
    fields = await operator.form("/operator/stuck", f"{refund}/credit")
    done = await operator.send(f"/operator/refunds/{refund}/credit", fields)
    assert (done.status_code, done.headers["location"]) == (303, "/operator/stuck")
    page = text(await operator.get("/operator/stuck"))
    assert "The money is in the buyer's wallet." in page.replace("&#39;", "'")
    assert "Nothing is stuck." in page
    assert await wallet(site, site.stage.buyer) == before + 1_250
    state = await site.state()
    await operator.send(f"/operator/refunds/{refund}/retry", fields)
    assert "Somebody has dealt with this refund already." in text(await operator.get("/operator/stuck"))
    assert (await site.buyer.send(f"/operator/refunds/{refund}/credit", fields)).status_code in (403, 404)
    assert await site.state() == state


async def test_a_refused_refund_is_asked_for_again_by_its_button(site: Site) -> None:
    operator, (refund,) = site.operator, await refused(site)
    fields = await operator.form("/operator/stuck", f"{refund}/retry")
    assert (await operator.send(f"/operator/refunds/{refund}/retry", fields)).status_code == 303
    page = text(await operator.get("/operator/stuck"))
    assert "The gateway is asked again." in page
    assert "Nothing is stuck." in page
    async with site.db.read() as tx:
        row = await tx.conn.fetchrow("select status, attempts, due_at, refusal from payments.refund")
    assert row is not None
    assert tuple(row) == ("created", 0, site.clock.now(), None)


async def test_what_gets_no_answer_is_shown_without_buttons(site: Site) -> None:
    (refund,) = await refused(site)
    async with site.db.write() as tx:
        await tx.conn.execute(
            "update payments.refund set status = 'created', refusal = null, attempts = 8, due_at = $1",
            tx.now + timedelta(minutes=59),
        )
    page = await site.operator.get("/operator/stuck")
    assert "Refund without an answer" in text(page)
    assert refund not in page.text


async def test_pages_of_fifty(site: Site) -> None:
    refunds = await refused(site, 51)
    first = await site.operator.get("/operator/stuck")
    assert first.text.count("/credit") == 50
    assert refunds[-1] not in first.text
    second = await site.operator.get(f"/operator/stuck?after={refunds[49]}")
    assert refunds[-1] in second.text
    assert second.text.count("/credit") == 1
    assert (await site.operator.get("/operator/stuck?after=ord_1")).status_code == 404


@pytest.mark.parametrize(
    ("code", "minor", "says"),
    [
        ("escrow", 700, "In escrow $7.00 credit: owed to sellers and buyers"),
        ("escrow", -700, "In escrow -$7.00 debit: more went out than came in"),
        ("gateway", -1_600, "Payment gateway -$16.00 debit: owed by the gateway"),
        ("gateway", 5, "Payment gateway $0.05 credit: owed to the gateway"),
        ("promotions", -250, "Promotions -$2.50 debit: given"),
        ("payout", 100, "Paid out to sellers $1.00 credit: to be settled with the bank"),
        ("commission", -1, "Commission -$0.01 debit: given up"),
        ("own_revenue", 0, "Own sales $0.00 Promotions"),
    ],
)
async def test_a_balance_says_on_which_side_it_is(site: Site, code: str, minor: int, says: str) -> None:
    async with site.db.write() as tx:
        account, cash = await ledger.account_ids(tx, 0, [code, "cash"], [NIL, NIL], ["USD", "USD"])
        if minor:
            sides = (cash, account) if minor > 0 else (account, cash)
            await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "test", *sides, abs(minor))])
    assert says in text(await site.operator.get("/operator"))


async def test_in_german_it_is_soll_and_haben(site: Site) -> None:
    async with site.db.write() as tx:
        gateway, cash = await ledger.account_ids(tx, 0, ["gateway", "cash"], [NIL, NIL], ["USD", "USD"])
        await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "test", gateway, cash, 300)])
    page = text(await site.operator.get("/operator?lang=de"))
    assert "Soll: vom Gateway geschuldet" in page


async def test_the_books_of_all_cells_are_shown_together(site: Site, own_db_url: str) -> None:
    """A cell that is added after the first close follows by itself, and has no part in the days before it began."""
    assert "No day is closed yet." in text(await site.operator.get("/operator/books"))
    assert (await site.operator.get("/operator/books?day=2026-01-01")).status_code == 404

    async def top_up(cell: int, amount_minor: int) -> None:
        async with site.db.write() as tx:
            cash, payout = await ledger.account_ids(tx, cell, ["cash", "payout"], [NIL, NIL], ["USD", "USD"])
            await ledger.post_all(tx, cell, [Transfer(new_id(tx.now), "test", cash, payout, amount_minor)])

    first = site.clock.now().date()
    await top_up(0, 700)
    site.clock.advance(timedelta(days=1))
    operator = site.operator
    fields = await operator.form("/operator/books", "/operator/books/close")
    done = await operator.send("/operator/books/close", fields | {"through": f"{first + timedelta(days=1)}"})
    assert "Only a day that is over can be closed." in text(done)
    done = await operator.send("/operator/books/close", fields | {"through": f"{first}"})
    assert (done.status_code, done.headers["location"]) == (303, "/operator/books")
    assert "payout $0.00 $0.00 $7.00 $7.00" in text(await operator.get("/operator/books"))

    added = await cells.add(own_db_url, site.clock)
    await top_up(0, 100)
    await top_up(added, 20)
    await site.run(after=timedelta(days=1))
    operator = site.operator
    page = text(await operator.get("/operator/books"))
    assert "payout $7.00 $0.00 $1.20 $8.20" in page
    assert "2 entries" in page
    assert "payout $0.00 $0.00 $7.00 $7.00" in text(await operator.get(f"/operator/books?day={first}"))
