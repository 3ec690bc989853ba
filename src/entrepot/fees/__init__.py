"""What sellers pay to sell here: commission and payment fee by ordered rules, and the tax on them.

`charge` is pure: rules, a line's facts and its worth in, the rule that applies and its amount out. A quote asks it,
and the order keeps what it said: amount, rule and tax of the sale are frozen, whatever the rules become.

A rule is for a market, a seller, a category with all that lies in it, a time, and sellers who sold so much the month
before; the first one that fits applies, else the seller's own rate, else the market's terms. It takes basis points,
by tiers if it has any, and an amount for each unit, within its min and max, never more than what is sold.

Fees are charged by an entity of the operator's, one for each currency at a time. The tax on them is what the law of
its country (room trade) takes, nothing by the reverse charge from a business of another country of its union, nothing
from a seller outside of it.

A seller's shop in a market pays for its opening and for each month, and leaves a deposit (`shops`).

Invariants:
  a rule is never changed and begins no earlier than it is made; one that could never apply is refused;
  a shop is charged a month once; what is deducted from a deposit names its case, and what is left goes back once.

Events: fee_rule_added, fee_rule_ended (of nobody; data: rule_id), shop_opened, shop_closed (key: the seller's id; data:
shop_id, market), deposit_deducted (key: the seller's id; data: charge_id, amount_minor, currency).
"""

from entrepot.fees.actions import add_entity, add_rule, count_month, end_rule, say_identity, set_billing
from entrepot.fees.reads import at, billing_of, billings, entities, entity_at, facts_of, listed, why
from entrepot.fees.rules import Fees, bounds, charge
from entrepot.fees.shops import (
    Deduction,
    charge_due,
    charges_of,
    close_shop,
    deduct_by,
    open_shop,
    set_shop_terms,
    shop_terms,
    shops_of,
    terms_of,
)
from entrepot.fees.types import (
    Billing,
    Charge,
    DepositIs,
    Entity,
    Explained,
    NewRule,
    NoShopTerms,
    NotLater,
    Rule,
    RuleEnded,
    RuleShadowed,
    SellerFacts,
    Shop,
    ShopIsClosed,
    ShopIsOpen,
    ShopTerms,
)

__all__ = [
    "Billing", "Charge", "Deduction", "DepositIs", "Entity", "Explained", "Fees", "NewRule", "NoShopTerms", "NotLater",
    "Rule", "RuleEnded", "RuleShadowed", "SellerFacts", "Shop", "ShopIsClosed", "ShopIsOpen", "ShopTerms", "add_entity",
    "add_rule", "at", "billing_of", "billings", "bounds", "charge", "charge_due", "charges_of", "close_shop",
    "count_month", "deduct_by", "end_rule", "entities", "entity_at", "facts_of", "listed", "open_shop", "say_identity",
    "set_billing", "set_shop_terms", "shop_terms", "shops_of", "terms_of", "why",
]  # fmt: skip
