"""What a buyer has to do next to pay through Stripe: asked afresh each time, since the secret that comes with it is to
be kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.db import Database
from entrepot.kit.limits import Limits
from entrepot.kit.outside import OutsideError
from entrepot.kit.problem import NotFound, Problem, TooManyRequests
from entrepot.payments import store
from entrepot.payments.gateways.lines import Gateway, open_client, open_line
from entrepot.payments.gateways.types import Action
from entrepot.payments.jobs import asked_of

ASKED_PER_S = 2
"""How often somebody may have us ask Stripe about one payment: Stripe counts the calls of all."""
_limits = Limits(ASKED_PER_S)


class PaymentStep(msgspec.Struct, frozen=True):
    """While there is a `client_secret` the buyer can pay: Stripe's script or SDK takes it and `publishable_key`, asks
    for the card and leads through 3-D Secure. `status` is Stripe's word, or the payment's own when nothing is left to
    do; `refusal` is why the last try failed, such as expired_card."""

    status: str
    client_secret: str | None = None
    publishable_key: str | None = None
    refusal: str | None = None


@dataclass(eq=False)
class GatewayAway(Problem):
    """The payment service does not answer now, or not as it should."""

    status: ClassVar[int] = 503
    retry_after_s: int = 5


async def step_of(db: Database, gateways: Mapping[str, Gateway], cell: int, group_id: UUID) -> PaymentStep:
    """The next step of a group's payment, by the group's id. Raises NotFound for one that is not made through Stripe,
    GatewayAway, TooManyRequests."""
    async with db.read() as tx:
        due = await tx.maybe(store.DUE_BY_ID, cell=cell, id=group_id, method="stripe")
    gateway = gateways.get("stripe")
    if due is None or gateway is None:
        raise NotFound
    if due.external_id is None or due.status not in ("created", "pending"):
        return PaymentStep(due.status)
    if wait_s := _limits.take(group_id).retry_after_s:
        raise TooManyRequests(wait_s)
    from entrepot.payments.gateways import stripe  # large: see lines.connector

    asked = asked_of(due, gateway)
    try:
        async with open_client() as client:
            answer = await open_line(client, gateway).send(stripe.build_get(asked, due.external_id))
        told = stripe.parse_action(asked, due.external_id, *answer)
    except OutsideError:
        raise GatewayAway from None
    if not isinstance(told, Action):
        raise GatewayAway
    key = gateway.publishable_key if told.client_secret else None
    return PaymentStep(told.status, told.client_secret, key, told.refusal)
