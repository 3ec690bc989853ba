"""Requests that are granted about borders: see asks."""

from __future__ import annotations

from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, show
from tests.api.asks import ASKS, ask, plain
from tests.api.stage import Ask, Stage, number


@ask("POST /v1/landed-cost")
async def _(_: Stage) -> Ask:
    line = {"code": "610910", "origin": "CN", "value_minor": 20_000}
    return Ask("/v1/landed-cost", {"from": "CN", "to": "DE", "currency": "EUR", "lines": [line]})


CUSTOMS = {"hs_code": "610910", "country_of_origin": "CN", "customs_description": "Cotton T-shirt", "weight_g": 180}


async def _variant(stage: Stage, offer: int | None = None) -> str:
    """The path of the customs data of a variant that the stage's seller offers."""
    offer = offer or await stage.shop.offer(stage.seller, 1_000, 10)
    async with stage.shop.db.read() as tx:
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where cell = 0 and id = $1", offer)
    return f"/v1/variants/{variant}/customs"


@ask("PUT /v1/variants/{variant_id}/customs")
async def _(stage: Stage) -> Ask:
    seller = stage.shop.session(Role.SELLER, NIL, stage.seller)
    return Ask(await _variant(stage), CUSTOMS, who=seller)


@ask("GET /v1/variants/{variant_id}/customs")
async def _(stage: Stage) -> Ask:
    path = await _variant(stage)
    said = await stage.shop.http.put(path, json=CUSTOMS, headers=stage.shop.operator)
    assert said.status_code == 200, said.text
    return Ask(path)


@ask("GET /v1/hs-codes")
async def _(stage: Stage) -> Ask:
    async with stage.shop.db.write() as tx:
        await tx.conn.execute(
            "insert into trade.code_text values ('EU', '01', 'en', 'Live animals', 'tests') on conflict do nothing"
        )
    return Ask("/v1/hs-codes", query={"q": "cotton T-shirt"})


plain("GET /v1/seller/customs-data")


@ask("GET /v1/offers/{offer_id}/at-door")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/offers/{stage.offer}/at-door", query={"country": "US"})


@ask("GET /v1/carts/{cart_id}/at-door")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/carts/{await stage.cart()}/at-door", query={"country": "US"})


plain("GET /v1/operator/borders")
plain("GET /v1/sale-rules", country="DE")
plain("GET /v1/operator/holds")
BAN = {
    "countries": ["US"], "effect": "prohibited", "traits": ["lead_paint"], "citation": "16 CFR 1303.4",
    "text": {"en": "Toys with lead paint are banned."}, "valid_from": "2026-03-01",
}  # fmt: skip


@ask("PUT /v1/age")
async def _(_: Stage) -> Ask:
    return Ask("/v1/age", {"age": 30})


def put(route: str, body: object) -> None:
    """PUT of something that is there already, and its GET or DELETE."""
    method, path = route.split()

    async def make(stage: Stage) -> Ask:
        name = "cosmetics" if "permits" in path else f"lead-{number()}"
        values = {"name": name, "slug": "things", "country": "DE", "seller_id": show("sel", stage.seller)}
        if "{variant_id}" in path:
            values["variant_id"] = (await _variant(stage)).split("/")[3]
        there = path.format(**values)
        done = await stage.shop.http.put(there, json=body, headers=stage.shop.operator)
        assert done.is_success, done.text
        return Ask(there, body if method == "PUT" else None)

    ASKS[route] = make


for method in ("PUT", "DELETE"):
    put(f"{method} /v1/sale-rules/{{name}}", BAN)
    put(f"{method} /v1/sellers/{{seller_id}}/permits/{{country}}/{{name}}", {"number": "7"})
CONTACT = {"name": "Hanse Compliance GmbH", "address": "Kai 1, 20457 Hamburg", "electronic": "eu@example.com"}
plain("GET /v1/seller/contacts")


@ask("PUT /v1/seller/contacts/{country}")
async def _(_: Stage) -> Ask:
    return Ask("/v1/seller/contacts/DE", CONTACT)


@ask("DELETE /v1/seller/contacts/{country}")
async def _(stage: Stage) -> Ask:
    done = await stage.shop.http.put("/v1/seller/contacts/DE", json=CONTACT, headers=stage.headers(Role.SELLER))
    assert done.is_success, done.text
    return Ask("/v1/seller/contacts/DE")


for method in ("PUT", "GET"):
    put(f"{method} /v1/variants/{{variant_id}}/traits", {"traits": ["battery"]})
    put(f"{method} /v1/categories/{{slug}}/traits", {"traits": ["battery"]})


@ask("POST /v1/operator/orders/{order_id}/hold")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/orders/{await stage.order()}/hold", {"why": "a name"})


def held(verb: str, **more: str) -> None:
    @ask(f"POST /v1/operator/holds/{{order_id}}/{verb}")
    async def _(stage: Stage) -> Ask:
        order = await stage.order()
        done = await stage.shop.http.post(
            f"/v1/operator/orders/{order}/hold", json={"why": "a name"}, headers=stage.shop.operator
        )
        assert done.is_success, done.text
        return Ask(f"/v1/operator/holds/{order}/{verb}", {"note": "looked"} | more)


async def _product(stage: Stage) -> int:
    """A product that the stage's seller offers."""
    offer = await stage.shop.offer(stage.seller, 1_000, 10)
    async with stage.shop.db.read() as tx:
        product: int = await tx.conn.fetchval("select product_id from catalog.offer where cell = 0 and id = $1", offer)
    return product


@ask("PUT /v1/products/{product_id}/text")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/products/{await _product(stage)}/text", {"title": "Tea"})


@ask("PUT /v1/products/{product_id}/translations/{language}")
async def _(stage: Stage) -> Ask:
    seller = stage.shop.session(Role.SELLER, NIL, stage.seller)
    return Ask(f"/v1/products/{await _product(stage)}/translations/de", {"title": "Tee"}, who=seller)


plain("GET /v1/operator/stale-translations")
plain("GET /v1/machine-translations")


@ask("POST /v1/products/{product_id}/translations/{language}/review")
async def _(stage: Stage) -> Ask:
    product = await _product(stage)
    async with stage.shop.db.write() as tx:
        await tx.conn.execute(
            "insert into catalog.translation (product_id, language, title, description, of, machine, updated_at) "
            "values ($1, 'fr', 'Tasse', '', '', true, $2)", product, tx.now,
        )  # fmt: skip
    return Ask(f"/v1/products/{product}/translations/fr/review")


held("release", seen_until="2100-01-01T00:00:00Z")
held("reject")


async def _location(stage: Stage) -> str:
    """The path of a location of the seller's in China."""
    new = {"code": f"l-{number()}", "name": "Pier", "country": "CN"}
    headers = stage.shop.session(Role.SELLER, NIL, stage.seller)
    made = await stage.shop.http.post("/v1/seller/locations", json=new, headers=headers)
    return f"/v1/seller/locations/{made.json()['id']}"


DOCK = {"line1": "1 Dock Road", "city": "Shenzhen"}


@ask("PUT /v1/seller/locations/{location_id}/address")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _location(stage)}/address", DOCK)


@ask("PUT /v1/locations/{location_id}/address")
async def _(stage: Stage) -> Ask:
    made = await stage.shop.http.post(
        "/v1/locations", json={"code": f"l-{number()}", "name": "Pier", "country": "CN"}, headers=stage.shop.operator
    )
    return Ask(f"/v1/locations/{made.json()['id']}/address", DOCK)


def of_papers(end: str) -> None:
    @ask(f"GET /v1/seller/orders/{{order_id}}/{end}")
    async def _(stage: Stage) -> Ask:
        place, headers = await _location(stage), stage.shop.session(Role.SELLER, NIL, stage.seller)
        assert (await stage.shop.http.put(f"{place}/address", json=DOCK, headers=headers)).is_success
        offer = await stage.shop.offer(stage.seller, 1_000, 10, location=int(place.rpartition("/")[2]))
        assert (await stage.shop.http.put(await _variant(stage, offer), json=CUSTOMS, headers=headers)).is_success
        (order,) = await stage.buyer.buy([(offer, 1)])
        return Ask(f"/v1/seller/orders/{show('ord', order)}/{end}")


of_papers("papers")
of_papers("papers.pdf")


def of_month(path: str) -> None:
    @ask(f"GET {path.replace('2026-03', '{month}')}")
    async def _(_: Stage) -> Ask:
        return Ask(path)


for of in ("/v1/seller/exports", "/v1/seller/discounts", "/v1/operator/discounts"):
    of_month(f"{of}/2026-03")
    of_month(f"{of}/2026-03/csv")


@ask("PUT /v1/operator/registrations/{scheme}")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/registrations/NZ", {"number": "123-456-789", "valid_from": "2030-01-01"})


plain("GET /v1/operator/registrations")


@ask("PUT /v1/sellers/{seller_id}/establishment")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/establishment", {"country": "CN"})


@ask("PUT /v1/identity")
async def _(_: Stage) -> Ask:
    return Ask("/v1/identity", {"country": "CN", "name": "Ada Byron", "number": "11010519491231002X"})


plain("GET /v1/operator/tax-returns")


def _period() -> dict[str, str]:
    """A quarter of a scheme that nobody has asked for."""
    years, quarter = divmod(number(), 4)
    scheme = ("OSS", "UK", "AU", "NZ", "SG")[years // 100 % 5]
    return {"scheme": scheme, "first_day": f"{1900 + years % 100}-{1 + 3 * quarter:02}-01"}


@ask("POST /v1/operator/tax-returns")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/tax-returns", _period())


async def _return(stage: Stage) -> str:
    done = await stage.shop.http.post("/v1/operator/tax-returns", json=_period(), headers=stage.shop.operator)
    assert done.status_code == 201, done.text
    return f"/v1/operator/tax-returns/{done.json()['id']}"


@ask("GET /v1/operator/tax-returns/{return_id}")
async def _(stage: Stage) -> Ask:
    return Ask(await _return(stage))


@ask("GET /v1/operator/tax-returns/{return_id}/file")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _return(stage)}/file")


@ask("POST /v1/operator/tax-returns/{return_id}/payment")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _return(stage)}/payment", {"reference": "RF18 5390"})


def _billed() -> dict[str, object]:
    """An invoice with a line that nobody knows."""
    lines = [{"of": "1Z999", "amount_minor": 5}]
    number_ = f"B{number()}"
    return {"broker": "dhl", "number": number_, "currency": "USD", "issued_on": "2026-03-02", "lines": lines}


@ask("POST /v1/operator/broker-invoices")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/broker-invoices", _billed())


plain("GET /v1/operator/broker-invoices")


async def _open_line(stage: Stage) -> tuple[str, str]:
    """(invoice, line)."""
    body = _billed()
    done = await stage.shop.http.post("/v1/operator/broker-invoices", json=body, headers=stage.shop.operator)
    assert done.status_code == 201, done.text
    listed = await stage.shop.http.get("/v1/operator/broker-invoices", headers=stage.shop.operator)
    (found,) = [one for one in listed.json()["items"] if one["number"] == body["number"]]
    return found["id"], found["lines"][0]["id"]


@ask("POST /v1/operator/broker-lines/{line_id}")
async def _(stage: Stage) -> Ask:
    _, line = await _open_line(stage)
    return Ask(f"/v1/operator/broker-lines/{line}", {"act": "accept", "note": "looked"})


@ask("POST /v1/operator/broker-invoices/{invoice_id}/payment")
async def _(stage: Stage) -> Ask:
    invoice, line = await _open_line(stage)
    said = {"act": "reject", "note": "looked"}
    done = await stage.shop.http.post(f"/v1/operator/broker-lines/{line}", json=said, headers=stage.shop.operator)
    assert done.status_code == 204, done.text
    return Ask(f"/v1/operator/broker-invoices/{invoice}/payment", {"reference": "RF18 5390"})
