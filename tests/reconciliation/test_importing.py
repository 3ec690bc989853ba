"""A file from outside is seconds of work: meanwhile the others go on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from entrepot import ledger, payments
from entrepot.kit.auth import Keys
from entrepot.kit.ids import NIL, new_id
from entrepot.ledger import Transfer
from entrepot.payments import BankAccount
from entrepot.reconciliation import Entry, actions, import_file, rules
from entrepot.world import bank
from tests.shop import open_shop

KEYS, IBAN = Keys(b"a secret of the tests"), "DE89370400440532013000"


async def test_no_one_waits_while_a_statement_is_read_and_matched(
    own_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release to the seller whose payout the statement settles goes through while it is read, and while it is
    matched."""
    loop, released = asyncio.get_running_loop(), list[str]()
    async with open_shop(own_db_url) as shop:
        seller = await shop.seller()
        async with shop.db.write() as tx:
            for owner in (NIL, seller):
                await payments.add_account(tx, KEYS, 0, owner, "USD", BankAccount("Ada", IBAN), NIL)
            cash, account = await ledger.account_ids(tx, 0, ["cash", "seller"], [NIL, seller], ["USD"] * 2)
            await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "top_up", cash, account, 700)])
            await payments.pay_out(tx, 0)
            payout = await tx.conn.fetchval("select id from payments.payout")

        async def release(name: str) -> None:
            async with asyncio.timeout(2), shop.db.write() as tx:
                await ledger.lock(tx, 0, [account])
            released.append(name)

        def meanwhile(module: Any, name: str) -> None:
            does = getattr(module, name)

            def do(*args: Any) -> Any:
                asyncio.run_coroutine_threadsafe(release(name), loop).result(3)
                return does(*args)

            monkeypatch.setattr(module, name, do)

        meanwhile(actions, "read_statements")
        meanwhile(rules, "match")
        day = shop.clock.now().date()
        entry = Entry("", day + timedelta(days=1), "USD", -700, payout.hex, is_return=False)
        statement = bank.statement("1", IBAN, "USD", day, day + timedelta(days=1), 700, [entry])
        async with shop.db.write() as tx:
            assert (await import_file(tx, KEYS, statement, NIL)).new
        assert released == ["read_statements", "match"]
        async with shop.db.read() as reading:
            assert await reading.conn.fetchval("select status from payments.payout") == "settled"
