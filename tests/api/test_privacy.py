"""Who people are is in three tables, and in what they say in disputes, and nowhere else: not in logs, events, ledger or
kept answers; and after erasure it is in no column of any table."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from entrepot.accounts.actions import erase
from entrepot.app import ROUTES
from entrepot.kit.auth import Role
from entrepot.kit.http import BUYER, Route, endpoint, post
from entrepot.kit.ids import NIL, parse
from entrepot.kit.log import JsonLines
from entrepot.kit.problem import NotFound
from entrepot.kit.secrets import get_secret, put_secret
from tests.shop import MARKET, Shop, open_shop

EMAIL, NAME, PASSWORD = "Wilhelmina.Zykowska@example.org", "Wilhelmina Zykowska", "correct horse battery"
ADDRESS = {
    "recipient": "Wilhelmina Zykowska", "line1": "17 Quernmore Street", "line2": "Flat Xanadu", "city": "Ballyhaunis",
    "region": "Montana", "postal_code": "59937-4821", "country": "US",
}  # fmt: skip
WHO = re.compile("zykowska|quernmore|xanadu|ballyhaunis|montana|59937-4821|correct horse", re.IGNORECASE)
PEOPLE = {"accounts.login", "accounts.person", "accounts.address", "disputes.step"}


class Person:
    """Wilhelmina's browser: every token that it was given is kept."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.tokens: list[str] = []

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        signed = {"authorization": f"Bearer {self.tokens[-1]}"} if self.tokens else {}
        answer = await self.shop.http.request(method, path, json=body, headers=signed | headers)
        return answer.json() if answer.content else None


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def live(shop: Shop) -> tuple[Person, str]:
    """Wilhelmina registers, mistypes, signs in and buys; the seller reads her address and ships. Her order's id."""
    person = Person(shop)
    keyed = iter(f"key-{number}" for number in range(20))
    registered = await person.send("POST", "/v1/accounts", {"email": EMAIL, "name": NAME, "password": PASSWORD})
    await person.send("POST", "/v1/accounts", {"email": EMAIL, "name": NAME, "password": PASSWORD})
    await person.send("POST", "/v1/accounts", {"email": EMAIL, "name": NAME * 50, "password": PASSWORD})
    await person.send("POST", "/v1/sessions", {"email": EMAIL, "password": f"{PASSWORD}?"})
    signed_in = await person.send("POST", "/v1/sessions", {"email": EMAIL, "password": PASSWORD})
    person.tokens += [registered["token"], signed_in["token"]]
    await person.send("POST", "/v1/addresses", ADDRESS | {"country": "Zykowska"})
    address = await person.send("POST", "/v1/addresses", ADDRESS, **{"idempotency-key": next(keyed)})
    top_up = {"user_id": registered["user_id"], "currency": "USD", "amount_minor": 10_000}
    done = await shop.http.post("/v1/top-ups", json=top_up, headers=shop.operator | {"idempotency-key": "t"})
    assert done.status_code == 201
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 5)
    cart = (await person.send("POST", "/v1/carts", {"market": MARKET}, **{"idempotency-key": next(keyed)}))["id"]
    for method, path, body in (
        ("POST", "lines", {"offer_id": offer}), ("PUT", "address", {"address_id": address["id"]}),
        ("PUT", "shipping", {"code": "standard"}),
    ):  # fmt: skip
        await person.send(method, f"/v1/carts/{cart}/{path}", body, **{"idempotency-key": next(keyed)})
    quote = await person.send("POST", f"/v1/carts/{cart}/quote", **{"idempotency-key": next(keyed)})
    placed = await person.send("POST", "/v1/orders", {"quote_id": quote["id"]}, **{"idempotency-key": next(keyed)})
    await shop.run()
    order: str = (await person.send("GET", f"/v1/groups/{placed['id']}"))["orders"][0]["id"]
    staff = shop.session(Role.SELLER, NIL, seller)
    ship_to = await shop.http.get(f"/v1/seller/orders/{order}/ship-to", headers=staff)
    assert ship_to.json()["line1"] == ADDRESS["line1"]
    body = {"carrier": "house", "tracking_number": "T1"}
    shipped = await shop.http.post(
        f"/v1/seller/orders/{order}/ship", json=body, headers=staff | {"idempotency-key": "s"}
    )
    assert shipped.status_code == 204
    claim = {"kind": "not_received", "lines": [{"line_no": 1, "quantity": 1}], "text": f"I am {NAME}. Where is it?"}
    disputed = await person.send("POST", f"/v1/orders/{order}/disputes", claim, **{"idempotency-key": next(keyed)})
    assert "id" in disputed, disputed
    await shop.run()
    return person, order


async def rows(shop: Shop) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    async with shop.db.read() as tx:
        tables = await tx.conn.fetch(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        found = {}
        for schema, table in tables:
            texts = await tx.conn.fetch(f'select t::text from "{schema}"."{table}" t order by 1')
            # bytea shows as hexadecimal digits: what is in them is read too
            found[f"{schema}.{table}"] = [row[0] + " " + _bytes_in(row[0]) for row in texts]
    return found


def _bytes_in(text: str) -> str:
    return " ".join(bytes.fromhex(digits).decode("latin-1") for digits in re.findall(r"\\x((?:[0-9a-f]{2})+)", text))


async def test_people_are_in_their_tables_only(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    person, _ = await live(shop)
    found = await rows(shop)
    assert {table for table, texts in found.items() if any(WHO.search(text) for text in texts)} == PEOPLE
    assert len(found["kit.idempotency_key"]) == 10
    assert len(found["kit.event"]) >= 3
    everything = "\n".join(text for texts in found.values() for text in texts)
    assert PASSWORD not in everything
    logged = "".join(capfd.readouterr())
    assert '"route":"POST /v1/addresses"' in logged  # what was refused
    assert not WHO.search(logged)
    for token in person.tokens:
        assert token not in everything
        assert token not in logged


async def test_who_is_erased_is_in_no_table(shop: Shop) -> None:
    person, order = await live(shop)
    before = await rows(shop)
    await person.send("DELETE", "/v1/accounts/me")
    await shop.run()
    after = await rows(shop)
    assert {table for table, texts in after.items() if any(WHO.search(text) for text in texts)} == set()
    changed = {table for table in before if before[table] != after[table]}
    # of the user only when it was erased
    assert changed == PEOPLE | {"accounts.user", "kit.event", "kit.cursor", "notify.message"}
    assert set(before["kit.event"]) < set(after["kit.event"])
    assert next(row for row in after["kit.event"] if row not in before["kit.event"]).count("buyer_erased") == 1
    signed_in = await shop.http.post("/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
    assert signed_in.status_code == 401
    # The order goes on without knowing whose it is: the parcel arrives, the seller is paid.
    assert (await person.send("GET", f"/v1/orders/{order}"))["order"]["status"] == "shipped"
    await person.send("POST", f"/v1/orders/{order}/confirm")
    assert (await person.send("GET", f"/v1/orders/{order}"))["order"]["status"] == "completed"
    await shop.audited()


async def test_secrets_at_rest_are_sealed(shop: Shop) -> None:
    async with shop.db.write() as tx:
        await put_secret(tx, shop.keys, "sandbox_webhook", b"whsec_of_wilhelmina")
        await put_secret(tx, shop.keys, "other", b"whsec_of_wilhelmina")
    assert not any("whsec" in text for texts in (await rows(shop)).values() for text in texts)
    async with shop.db.read() as tx:
        sealed = [row[0] for row in await tx.conn.fetch("select ciphertext from kit.secret order by name")]
        assert sealed[0] != sealed[1], "the same secret is sealed otherwise each time"
        assert await get_secret(tx, shop.keys, "sandbox_webhook") == b"whsec_of_wilhelmina"
        with pytest.raises(ValueError, match="sealed with another ENTREPOT_SECRET"):
            await get_secret(tx, type(shop.keys)(b"another secret, long enough"), "sandbox_webhook")


class Failing(msgspec.Struct, frozen=True):
    name: str


async def _fails(body: Failing) -> None:
    raise RuntimeError(f"cannot greet {body.name}")


async def test_a_fault_does_not_repeat_what_a_person_typed(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    route: Route = post("/fails", _fails, access=BUYER)
    assert route.name not in {listed.name for listed in ROUTES}
    shop.app.router.routes.append(endpoint(route))
    buyer = await shop.buyer()
    answer: httpx.Response = await buyer.send("POST", "/fails", {"name": NAME})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/server_fault")
    logged = "".join(capfd.readouterr())
    assert '"event":"fault"' in logged
    assert "RuntimeError" in logged
    assert not WHO.search(logged + answer.text)


def test_what_libraries_log_of_an_exception_is_its_type() -> None:
    try:
        raise KeyError(NAME)
    except KeyError as error:
        record = logging.LogRecord("_granian", logging.ERROR, "", 1, "it %s", ("failed",), (KeyError, error, None))
    line = msgspec.json.decode(JsonLines().format(record))
    del line["at"]
    assert line == {"event": "_granian", "level": "ERROR", "message": "it failed", "error": "KeyError"}


async def test_nobody_cannot_be_erased(shop: Shop) -> None:
    async with shop.db.write() as tx:
        with pytest.raises(NotFound):
            await erase(tx, 0, parse("usr", "usr_" + "1" * 32))
