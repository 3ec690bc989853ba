"""Judging orders that are paid, asking the service about them, and saying what is judged by."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import orders
from entrepot.fraud import rules, store
from entrepot.fraud.types import Facts, Hook, Question, Rule, RuleExists
from entrepot.kit.auth import Keys
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound

SEEN_MAX = 50
"""Earlier purchases, and failed payments, that are looked at; a rule counts no further."""
WAITS = timedelta(days=7)
"""How long what the service holds waits for an operator before it is released by itself: as a rule's `hold_s`."""
SERVICE = "service"
"""The list that orders are on which the service outside holds."""
WAITING, TOLD = "waiting", "told"
"""Until it has answered, and because of what it answered."""


async def judge(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> int:
    """Holds those of the orders of a cell that a rule finds odd, and puts down the question to the service; how many
    are held. Where there are neither rules nor a service it costs two small statements."""
    valid = await tx.all(store.RULES_AT, now=tx.now)
    hook = await tx.maybe(store.HOOK_AT)
    asks = hook is not None and bool(hook.url)
    if not valid and not asks:
        return 0
    found: list[orders.Found] = []
    if valid:
        for id_, facts in (await facts_of(tx, cell, order_ids)).items():
            for rule, why in rules.judge(facts, valid):
                due = tx.now + timedelta(seconds=rule.hold_s)
                found.append(orders.Found(id_, "rule", rule.name, why, "fraud", due, rule.then))
    if hook is not None and asks:
        due = tx.now + timedelta(seconds=hook.answer_within_s)
        await tx.run(store.ASK, cell=cell, orders=list(order_ids), hook_id=hook.id, now=tx.now, due_at=due)
        if hook.fails == "closed":
            found += [orders.Found(id_, SERVICE, WAITING, "no answer yet", "fraud") for id_ in order_ids]
    return await orders.hold_found(tx, cell, found)


async def facts_of(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> dict[UUID, Facts]:
    """What was known of the purchases that orders are of, by order."""
    of = await tx.all(store.ORDERS, cell=cell, ids=list(order_ids))
    facts: dict[UUID, Facts] = {}
    for home in sorted({one.group_cell for one in of}):
        groups = [one.group_id for one in of if one.group_cell == home]
        facts |= {row.group_id: row for row in await tx.all(store.FACTS, cell=home, groups=groups, seen=SEEN_MAX)}
    return {one.id: facts[one.group_id] for one in of if one.group_id in facts}


async def answer(tx: Tx, cell: int, question: Question, said: rules.Answer) -> None:
    """Records the service's word, once: what it holds is held, what it allows is let go."""
    done = await tx.maybe(
        store.ANSWER, cell=cell, order_id=question.order_id, answer=said.decision, reason=said.reason[:500], now=tx.now
    )
    if done is None:
        return
    if said.decision == "hold":
        waits = tx.now + WAITS
        held = orders.Found(question.order_id, SERVICE, TOLD, said.reason[:300], "fraud", waits, "released")
        await orders.hold_found(tx, cell, [held])
    if question.fails == "closed":
        await orders.let_go(tx, cell, question.order_id, SERVICE, WAITING, said.reason[:300] or said.decision)


async def be_silent(tx: Tx, cell: int, question: Question) -> None:
    """The service has not answered in time: an open hook lets the order go, of a closed one it stays held."""
    await tx.maybe(
        store.ANSWER, cell=cell, order_id=question.order_id, answer="silent", reason="", now=tx.now
    )  # fmt: skip


async def add_rule(tx: Tx, rule: Rule, user_id: UUID) -> None:
    """Raises RuleExists for a name that a rule has which is not over by then."""
    fields = {name: value for name, value in msgspec.structs.asdict(rule).items() if name != "valid_to"}
    if await tx.maybe(store.ADD_RULE, **fields) is None:
        raise RuleExists
    tx.emit("fraud_rules_changed", NIL, {"name": rule.name, "user_id": user_id})


async def end_rule(tx: Tx, name: str, user_id: UUID) -> None:
    """From now on it finds nothing. Raises NotFound."""
    if await tx.maybe(store.END_RULE, name=name, now=tx.now) is None:
        raise NotFound
    tx.emit("fraud_rules_changed", NIL, {"name": name, "user_id": user_id})


async def set_hook(tx: Tx, keys: Keys, hook: Hook, user_id: UUID, *, private: bool = False) -> str:
    """From now on orders are asked about there; an empty address asks nobody. The secret that questions are signed
    with, which is shown once. Raises HookNotValid."""
    if hook.url:
        rules.require_valid(hook, private=private)
    before = await tx.maybe(store.HOOK_AT)
    if before is not None:
        tx.was(url=before.url, fails=before.fails, answer_within_s=before.answer_within_s)
    secret = f"whsec_{secrets.token_hex(24)}"
    await tx.run(
        store.ADD_HOOK, id=new_id(tx.now), url=hook.url, secret=keys.encrypt(secret.encode()), fails=hook.fails,
        answer_within_s=hook.answer_within_s, now=tx.now, user_id=user_id,
    )  # fmt: skip
    return secret
