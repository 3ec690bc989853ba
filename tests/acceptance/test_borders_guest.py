"""Borders, part 7 / CO8: addresses as each country writes them, checked by its data, and buyers without an account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from entrepot.accounts.jobs import forget_addresses
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, show
from tests.acceptance.abroad import browser
from tests.shop import Shop, open_shop
from tests.web.site import fields_of, text

HOME = {
    "recipient": "王小明", "line1": "天河路1号", "country": "CN", "region": "Guangdong Sheng", "city": "广州市",
    "district": "Tianhe Qu", "postal_code": "510630",
}  # fmt: skip


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def test_7_an_address_is_what_its_country_says(shop: Shop) -> None:
    """The form of a country is a reading; its provinces, cities and districts are closed lists in its own letters and
    in Latin ones. What is unknown or missing is refused by name, with an example, and changes nothing."""

    async def asked(country: str, **within: str) -> dict[str, tuple[str, bool, int, str | None, str]]:
        found = (await shop.http.get(f"/v1/address-forms/{country}", params=within)).json()["fields"]
        return {
            one["name"]: (one["kind"], one["required"], len(one["choices"]), one["after"], one["example"])
            for one in found
        }

    china = await asked("CN")
    assert list(china) == ["postal_code", "region", "city", "district", "line1", "line2", "recipient"]
    assert (china["region"], china["city"]) == (("province", True, 34, None, "安徽省"), ("city", True, 0, "region", ""))
    there = await asked("CN", region="广东省", city="Guangzhou Shi")
    assert (there["city"][2:], there["district"][:3], there["postal_code"][4]) == (
        (21, None, "潮州市"), ("district", False, 11), "510130",
    )  # fmt: skip
    assert (await asked("US"))["postal_code"] == ("zip", True, 0, None, "95014")
    assert list(await asked("DE")) == ["recipient", "line1", "line2", "postal_code", "city"]
    assert ((await asked("JP"))["region"][0], (await asked("AE"))["region"][0]) == ("prefecture", "emirate")
    assert (await shop.http.get("/v1/address-forms/XX")).json()["field"] == "country"

    buyer = await shop.buyer()
    before = await shop.state()
    for change, field, reason, example in (
        ({"district": "Atlantis"}, "district", "unknown", "白云区"), ({"city": "Berlin"}, "city", "unknown", "潮州市"),
        ({"region": "Bayern"}, "region", "unknown", "安徽省"), ({"region": ""}, "region", "missing", "安徽省"),
        ({"postal_code": "99"}, "postal_code", "unknown", "510630"), ({"city": ""}, "city", "missing", "潮州市"),
    ):  # fmt: skip
        refused = await buyer.send("POST", "/v1/addresses", HOME | change)
        said = refused.json()
        assert (refused.status_code, said["type"]) == (400, "/problems/address_not_valid")
        assert (said["field"], said["reason"], said["example"]) == (field, reason, example)
    assert await shop.state() == before
    added = (await buyer.send("POST", "/v1/addresses", HOME)).json()["id"]
    (kept,) = [one for one in (await buyer.send("GET", "/v1/addresses")).json()["items"] if one["id"] == added]
    assert [kept[name] for name in ("region", "city", "district", "is_default")] == [
        "广东省",
        "广州市",
        "天河区",
        False,
    ]
    assert kept["lines"] == ["510630", "广东省广州市天河区", "天河路1号", "王小明"]
    assert kept["lines_abroad"] == ["王小明", "天河路1号", "Tianhe Qu", "Guangzhou Shi", "Guangdong Sheng, 510630"]
    # A postal code says the state where only one has it; a place that the form has no field for is not lost.
    for new, lines in (
        ({"country": "US", "city": "Springfield", "postal_code": "62701"}, ["Ada", "1 Way", "Springfield, IL 62701"]),
        (
            {"country": "JP", "city": "Chiyoda-ku", "region": "Tokyo", "postal_code": "100-0001"},
            ["Ada", "1 Way", "Chiyoda-ku, Tokyo", "100-0001"],
        ),
        ({"country": "HK", "city": "Mong Kok", "region": "Kowloon"}, ["Ada", "1 Way", "Mong Kok", "Kowloon"]),
    ):
        put = await buyer.send("PUT", f"/v1/addresses/{added}", {"recipient": "Ada", "line1": "1 Way"} | new)
        added = put.json()["id"]
        items = (await buyer.send("GET", "/v1/addresses")).json()["items"]
        assert [one["lines"] for one in items if one["id"] == added] == [lines]


async def test_7_an_address_is_filled_in_without_scripts(shop: Shop) -> None:
    """A country, then a province, then a city is chosen by a button, and what was typed stays; then the address is
    changed, taken first and deleted, while what was ordered goes where it was to go."""
    buyer = await shop.buyer()
    site, at = browser(shop, buyer.headers), "/account/addresses/new"
    page = await site.get(at)
    typed = {**fields_of(page.text, at), "country": "CN", "recipient": "王小明", "line1": "天河路1号"}
    shown = await site.send(f"{at}/look", typed)
    assert (shown.status_code, shown.text.count("Guangdong Sheng"), "王小明" in shown.text) == (200, 1, True)
    assert "Guangzhou Shi" not in shown.text
    shown = await site.send(f"{at}/look", typed | {"region": "广东省"})
    assert "Guangzhou Shi" in shown.text
    whole = typed | {"region": "广东省", "city": "广州市", "postal_code": "510630", "district": "Atlantis"}
    refused = await site.send(at, whole)
    assert (refused.status_code, "District: this country has no such one" in text(refused)) == (400, True)
    assert 'name="district" id="district" autocomplete="address-level3" aria-invalid="true"' in refused.text
    assert (await site.send(at, whole | {"district": "天河区"})).status_code == 303

    (order,) = await buyer.buy([(await shop.offer(await shop.seller(), 1_000, 5), 1)])
    page = await site.get("/account")
    assert "广东省广州市天河区" in page.text
    home = f"/account/addresses/{show('adr', buyer.address)}"
    changed = {**fields_of((await site.get(home)).text, home), "line1": "2 Way", "country": "DE"}
    changed |= {"postal_code": "10115", "city": "Berlin"}
    assert (await site.send(home, changed)).status_code == 303

    async def kept() -> list[tuple[str, str, bool]]:
        items = (await buyer.send("GET", "/v1/addresses")).json()["items"]
        return [(one["id"], one["line1"], one["is_default"]) for one in items]

    (canton, *rest), (berlin, *other) = await kept()
    assert (rest, other) == (["天河路1号", False], ["2 Way", True])
    token = fields_of((await site.get("/account")).text, f"{canton}/default")
    assert (await site.send(f"/account/addresses/{canton}/default", token)).status_code == 303
    assert await kept() == [(berlin, "2 Way", False), (canton, "天河路1号", True)]
    assert (await site.send(f"/account/addresses/{canton}/delete", token)).status_code == 303
    assert await kept() == [(berlin, "2 Way", False)]
    staff = shop.session(Role.SELLER, NIL, shop.sellers[0])
    goes_to = (await shop.http.get(f"/v1/seller/orders/{show('ord', order)}/ship-to", headers=staff)).json()
    assert (goes_to["line1"], goes_to["country"]) == ("1 Main Street", "US")
    shop.clock.advance(timedelta(days=181))
    async with shop.db.write() as tx:
        assert (await forget_addresses(tx, 0), await forget_addresses(tx, 0)) == (2, 0)
