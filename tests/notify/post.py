"""A real SMTP server, people who can be written to, and what they got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from functools import partial
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP

from entrepot import accounts, notify
from entrepot.kit.auth import Role
from entrepot.notify import jobs
from entrepot.notify.channels import Channel, SmtpMail
from tests.shop import Buyer, Shop

FROM = "shop@entrepot.example"
PUBLIC_URL = "https://shop.example"


@dataclass
class Office:
    """What the server took, and what it says to a recipient (`answers`) before it does."""

    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        mail = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(mail, EmailMessage)
        self.taken += [(address, mail) for address in envelope.rcpt_tos]
        return "250 OK"

    def of(self, address: str) -> list[EmailMessage]:
        return [mail for to, mail in self.taken if to == address]

    def subjects(self, address: str) -> list[str]:
        return [str(mail["Subject"]) for mail in self.of(address)]

    def texts(self, address: str) -> list[str]:
        return [mail.get_body(("plain",)).get_content() for mail in self.of(address)]  # type: ignore[union-attr]

    def channels(self, shop: Shop, **more: Channel) -> notify.Channels:
        mail = SmtpMail(f"smtp://127.0.0.1:{self.port}", FROM)
        return notify.Channels({"mail": mail} | more, shop.keys, PUBLIC_URL)


@asynccontextmanager
async def open_office() -> AsyncIterator[Office]:
    office = Office()
    serve = partial(SMTP, office, hostname="mail.test", enable_SMTPUTF8=True)
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()


async def written_to(shop: Shop, buyer: Buyer, email: str) -> Buyer:
    """The buyer can sign in, and so be written to."""
    async with shop.db.write() as tx:
        await tx.conn.execute("insert into accounts.login values ($1, $2, $3, 'x')", email, buyer.cell, buyer.id)
    return buyer


async def staff(shop: Shop, seller: UUID | None, email: str) -> UUID:
    role = Role.OPERATOR if seller is None else Role.SELLER
    async with shop.db.write() as tx:
        return await accounts.add_staff(tx, role, seller, email, "Sam", "x")


async def post(shop: Shop, channels: notify.Channels) -> int:
    """Lets the worker do what is due, and sends what there is, at the clock's now; how much was sent or tried."""
    await shop.run()
    total = 0
    for cell in (0,):
        while found := await jobs.send_due(shop.db, channels, cell):
            total += found
    return total
