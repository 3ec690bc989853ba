"""Webhooks: what happens, told to the servers of sellers and of the operator, signed, at least once.

An endpoint is an address, the types that are told there, and a secret that is shown once and kept encrypted. A
consumer of events writes a message for each endpoint that an event concerns: a seller's of its own orders, payouts and
stock, the operator's of everybody's. Its id is made of the event and its body is written once, so that both stay the
same however often it is sent: whoever keeps the ids that it has seen is told everything exactly once. What was rolled
back is no event, and nobody is told of it.

Sending is intent, call, record: the row, a POST signed as Standard Webhooks 1.0.0 has it, the row's end; with growing
pauses of the message and of the endpoint. Of one thing (an order, a payout, a seller's stock) messages arrive in the
order in which they happened. What has failed for good, or was sent, its owner sends again.

Invariants: a message is of its own event and endpoint, and there is one; a seller is told of nothing that is not its
own; nothing is sent to a private address, whatever a name says at that moment; an endpoint that fails for three days is
turned off, and its owner told.

Events: webhook_disabled (key: the seller's id, or nil for the house; data: endpoint_id, reason).
"""

from entrepot.webhooks.actions import add, change, remove, resend, rotate, test, turn_off, turn_on
from entrepot.webhooks.jobs import CONSUMERS, Lanes, forget
from entrepot.webhooks.reads import (
    PAGE,
    DeliveryView,
    EndpointView,
    deliveries,
    endpoint,
    endpoints,
    url_of,
    waiting_s,
)
from entrepot.webhooks.rules import ENDPOINTS, NAMES
from entrepot.webhooks.types import DeliveryIsDue, EndpointIs, EndpointNotValid, Made, TooManyEndpoints, UnknownTypes

__all__ = [
    "CONSUMERS", "ENDPOINTS", "NAMES", "PAGE", "DeliveryIsDue", "DeliveryView", "EndpointIs",
    "EndpointNotValid", "EndpointView", "Lanes", "Made", "TooManyEndpoints", "UnknownTypes", "add", "change",
    "deliveries", "endpoint", "endpoints", "forget", "remove", "resend", "rotate", "test",
    "turn_off", "turn_on", "url_of", "waiting_s",
]  # fmt: skip
