"""All checks, in the order in which a report names them."""

from entrepot.world.auditor import (
    bonded,
    borders,
    campaigns,
    chargebacks,
    credit,
    debts,
    exchange,
    fees,
    metering,
    money,
    orders,
    parts,
    payouts,
    quotas,
    stock,
    trust,
    webhooks,
)
from entrepot.world.auditor.check import Check

CHECKS: tuple[Check, ...] = (
    money.CHECKS
    + exchange.CHECKS
    + credit.CHECKS
    + debts.CHECKS
    + chargebacks.CHECKS
    + payouts.CHECKS
    + stock.CHECKS
    + quotas.CHECKS
    + campaigns.CHECKS
    + orders.CHECKS
    + parts.CHECKS
    + borders.CHECKS
    + bonded.CHECKS
    + fees.CHECKS
    + metering.CHECKS
    + trust.CHECKS
    + webhooks.CHECKS
)
