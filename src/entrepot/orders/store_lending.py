"""What is read and written of purchases on installments."""

from __future__ import annotations

import msgspec

from entrepot.kit.sql import sql


class Asked(msgspec.Struct, frozen=True):
    market: str
    currency: str
    paid_minor: int


class Lent(msgspec.Struct, frozen=True):
    market: str
    currency: str
    paid_minor: int
    other_cells: list[int] | None


QUOTE = sql(
    "select market, currency, paid_minor from orders.quote where cell = :cell and id = :id and buyer_id = :buyer_id",
    Asked,
)
GROUP = sql(
    "select market, currency, paid_minor, other_cells from orders.order_group where cell = :cell and id = :id", Lent
)
# The tax on fees is that of all of them, rounded half up together.
ADD_FEE = sql("""
    update orders.order
       set payment_fee_minor = payment_fee_minor + :fee_minor,
           fee_tax_minor = ((commission_minor + payment_fee_minor + :fee_minor) * coalesce(fee_tax_bp, 0) + 5000)
                           / 10000
     where cell = :cell and id = :id
""")
