"""The operator's pages of money: balances with their side, and what is stuck, which is dealt with once."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from entrepot import cells, cli, ledger, payments
from entrepot.kit.auth import Keys
from entrepot.kit.ids import NIL, new_id
from entrepot.ledger import Transfer
from entrepot.reconciliation import Entry
from entrepot.world import bank, gateway_report
from tests.web.site import Site, text
from tests.web.stage import refuse_refunds

SECRET = "a secret of the tests, long enough"


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
    assert first.text.count('/credit" data-once') == 50
    assert refunds[-1] not in first.text
    second = await site.operator.get(f"/operator/stuck?after={refunds[49]}")
    assert refunds[-1] in second.text
    assert second.text.count('/credit" data-once') == 1
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
        ("own_revenue", 0, "Own sales $0.00 Written off"),
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


async def test_what_the_bank_tells_is_taken_in_and_what_does_not_fit_is_resolved(
    site: Site, own_db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the page, and a statement by the command; what cannot be read is refused in the reader's words."""
    operator, day = site.operator, date(2026, 3, 1)
    fields = await operator.form("/operator/bank", "/operator/bank")
    state = await site.state()
    for content, says in ((b"<a/>", "it is not a camt.053 message"), (b"kind\n", "it does not begin as a report does")):
        refused = await operator.http.post("/operator/bank", data=fields, files={"file": ("a", content)})
        assert (refused.status_code, f"Nothing of it was taken in: {says}." in text(refused)) == (400, True)
    foreign = bank.statement("1", "GB29NWBK60161331926819", "USD", day, day, 0, [])
    refused = await operator.http.post("/operator/bank", data=fields, files={"file": ("a", foreign)})
    assert "This statement is of an account that is not ours (it ends in 6819)." in text(refused)
    assert await site.state() == state
    stranger = gateway_report.line("payment", "s_<b>", "pmt_1", "USD", 1_250, datetime(2026, 3, 1, 9, tzinfo=UTC))
    report = gateway_report.report("r1", day, day, [stranger])
    page = refused
    for says in ("It is taken in and matched.", "It was taken in before; nothing has changed."):
        sent = await operator.http.post("/operator/bank", data=fields, files={"file": ("r.csv", report)})
        assert (sent.status_code, sent.headers["location"]) == (303, "/operator/bank")
        page = await operator.get("/operator/bank")
        assert says in text(page)
    assert "The provider tells of it, and our books do not USD" in text(page)
    assert "<code>s_&lt;b&gt;</code>" in page.text
    assert "Expected: nothing · Found: $12.50" in text(page)
    assert "Der Zahlungsdienst meldet es, unsere Bücher nicht" in text(await operator.get("/operator/bank?lang=de"))
    answer = await operator.form("/operator/bank?lang=en", "/resolve")
    path = re.search(r"/operator/bank/dcp_\w+/resolve", page.text)
    assert path is not None
    assert (await site.buyer.send(path[0], answer | {"note": "x"})).status_code in (403, 404)
    assert (await operator.send(path[0], answer | {"note": "A test of theirs."})).is_redirect
    assert "Everything fits." in text(await operator.get("/operator/bank"))

    async with site.db.write() as tx:
        account = payments.BankAccount("Entrepot", "DE89370400440532013000")
        await payments.add_account(tx, Keys(SECRET.encode()), 0, NIL, "USD", account, NIL)
    entry = Entry("", day, "USD", 700, "Interest", is_return=False)
    file = tmp_path / "statement.xml"
    file.write_bytes(bank.statement("2026-03-01", "DE89370400440532013000", "USD", day, day, 0, [entry]))
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", own_db_url)
    monkeypatch.setenv("ENTREPOT_SECRET", SECRET)
    for told in ("0 of 2 matched", "taken in before"):
        assert await asyncio.to_thread(cli.main, ["bank", "import", str(file)]) == 0
        said = capsys.readouterr().out
        assert said == f"statement 2026-03-01: {told}; 1 discrepancies are open (/operator/bank)\n"
    monkeypatch.setenv("ENTREPOT_SECRET", SECRET[::-1])
    assert await asyncio.to_thread(cli.main, ["bank", "import", str(file)]) == 1
    assert "encrypted with another ENTREPOT_SECRET" in capsys.readouterr().err
    file.write_bytes(b"<a/>")
    assert await asyncio.to_thread(cli.main, ["bank", "import", str(file)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "entrepot: it is not a camt.053 message"
