"""Requests that are granted about messages: see asks."""

from __future__ import annotations

from entrepot.kit.ids import new_id, show
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage

plain("GET /v1/messages")
plain("GET /v1/message-preferences")
plain("GET /v1/operator/messages", status="failed")


@ask("PUT /v1/message-preferences")
async def _(_: Stage) -> Ask:
    return Ask("/v1/message-preferences", {"language": "de", "phone": "+4930123456", "muted": ["deliveries"]})


async def _message(stage: Stage) -> str:
    """The path of a message that could not be sent."""
    order = await stage.order()
    async with stage.shop.db.write() as tx:
        id_ = new_id(tx.now)
        await tx.conn.execute(
            "insert into notify.message (cell, id, user_id, channel, party, kind, subject_id, data, language, status, "
            "at, due_at) values (0, $1, $2, 'mail', 'buyer', 'delivered', $3, '{}', 'de', 'failed', $4, $4)",
            id_, stage.buyer.id, order.removeprefix("ord_"), tx.now,
        )  # fmt: skip
    return f"/v1/operator/messages/{show('msg', id_)}"


@ask("GET /v1/operator/messages/{message_id}")
async def _(stage: Stage) -> Ask:
    return Ask(await _message(stage))


@ask("POST /v1/operator/messages/{message_id}/resend")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _message(stage)}/resend")
