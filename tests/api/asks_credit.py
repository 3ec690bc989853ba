"""Requests that are granted about installments: see asks."""

from __future__ import annotations

from datetime import timedelta

from entrepot import credit
from entrepot.kit.ids import parse, show
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage, number
from tests.shop import MARKET

CREDIT = {
    "grace_days": 5, "retry_days": 2, "late_fee_minor": 700, "late_fee_max_bp": 1_000, "default_days": 90,
    "limits": [{"score": 0, "limit_minor": 10**9}], "source": "tests",
}  # fmt: skip
PLAN = {"months": 3, "fee_bp": 300, "bearer": "buyer", "minimum_minor": 24, "source": "tests"}

plain("GET /v1/installments")
plain("GET /v1/credit", market=MARKET)
plain("GET /v1/operator/credit")


@ask("GET /v1/markets/{market}/credit-terms")
async def _(_: Stage) -> Ask:
    return Ask(f"/v1/markets/{MARKET}/credit-terms")


@ask("GET /v1/operator/credit/{user_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/credit/{show('usr', stage.buyer.id)}", query={"market": MARKET})


@ask("GET /v1/quotes/{quote_id}/installments")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/quotes/{(await stage.buyer.quote([(stage.offer, 1)]))['id']}/installments")


async def _plan(stage: Stage) -> str:
    """A plan of the stage's buyer, for a purchase that was paid otherwise."""
    group = parse("grp", await stage.group())
    async with stage.shop.db.write() as tx:
        now = tx.now - timedelta(days=1)
        await tx.conn.execute(
            "insert into credit.terms values ($1, $2, 0, 86400, 0, 0, 86400, '{0}', '{1000000000}', 'tests') "
            "on conflict do nothing", MARKET, now,
        )  # fmt: skip
        await tx.conn.execute(
            "insert into credit.plan_terms values ($1, 3, $2, true, 300, 'buyer', 3, 'tests') on conflict do nothing",
            MARKET, now,
        )  # fmt: skip
        await credit.open_plan(tx, 0, group, stage.buyer.id, MARKET, "USD", 900, 3)
    return show("grp", group)


@ask("GET /v1/installments/{group_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/installments/{await _plan(stage)}")


@ask("POST /v1/installments/{group_id}/pay")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/installments/{await _plan(stage)}/pay", {"what": "all", "method": "wallet"})


def _later(stage: Stage) -> str:
    """Terms begin after those that there are."""
    return (stage.shop.clock.now() + timedelta(days=number())).isoformat()


@ask("POST /v1/markets/{market}/credit-terms")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/markets/{MARKET}/credit-terms", CREDIT | {"valid_from": _later(stage)})


@ask("POST /v1/markets/{market}/installment-terms")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/markets/{MARKET}/installment-terms", PLAN | {"valid_from": _later(stage)})
