"""Notify: what buyers, sellers and the operator are told, by mail and text message, in their language, once.

A consumer of events writes a message for each who is to know; its id is made of the event and the recipient, so that
however often an event is told, there is one message. Sending is intent, call, record: the row, the mail server or SMS
service, the row's end, with growing pauses between tries and a last one. A server that was killed between call and
record sends that message once more, under the same Message-ID. Nothing that moves money or stock waits for any of it.

A message holds ids: its text and its address are made when it goes out. Somebody who is erased, or what is older than
NEWS, is told nothing. What is transactional cannot be muted, topics can. Without a mail server messages are kept for
the operator to see.

Invariants: a message is sent only from `due`, and ends in sent, dropped or failed (which the operator may send again);
nobody gets more than PER_HOUR in an hour, the others come later.

It tells no events.
"""

from entrepot.notify.actions import prefer, resend, set_language, unsubscribe
from entrepot.notify.channels import Channels, open_channels, unsubscribing
from entrepot.notify.reads import (
    PAGE,
    MessageText,
    MessageView,
    message_text,
    messages,
    messages_of,
    preference,
)
from entrepot.notify.rules import topics_of
from entrepot.notify.types import NotFailed, Preference

__all__ = [
    "PAGE", "Channels", "MessageText", "MessageView", "NotFailed", "Preference", "message_text", "messages",
    "messages_of", "open_channels", "prefer", "preference", "resend", "set_language", "topics_of", "unsubscribe",
    "unsubscribing",
]  # fmt: skip
