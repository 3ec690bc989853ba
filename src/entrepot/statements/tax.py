"""What tax offices are told of sellers in a year: the figures from the ledger, who must be told of, what is missing.

DAC7 (the EU's directive) and Form 1099-K (the US) differ in nearly everything, and each says where its rule stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from entrepot import ledger, orders, payments, sellers, trade
from entrepot.kit.auth import Keys
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.money import exponent
from entrepot.kit.problem import NotFound
from entrepot.ledger import Moved, Total
from entrepot.payments import FEES, SOLD, kind_of
from entrepot.sellers import Identity, Seller, SellerId
from entrepot.statements import store
from entrepot.statements.types import Dac7Account, Dac7Seller, FormSeller, Quarter, Threshold

SELLERS = 50
"""Sellers of one page of a report."""
EU = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
"""The member states, to which the directive is addressed; 27 in every year that DAC7 is about."""
DAC7_EXCLUDED = (
    Threshold(
        2023, 2999, 30, 200_000, "EUR",
        "Directive 2011/16/EU as amended by (EU) 2021/514, annex V, section I.B(4)(d): fewer than 30 sales of goods "
        "and not more than 2,000 EUR",
    ),
)  # fmt: skip
DAC7_RULES = """\
Consideration is what was credited to the seller less fees, commissions and taxes (annex V, section I.A(10)), on the \
day it was credited (cash basis), less what was refunded in that quarter (OECD model rules, as HMRC explains them in \
IEIM901740). A quarter below nothing is of refunds of an earlier year's sales: correct that year's report.
An activity is an order of which something was credited: a contract, however many goods it is of.
Fees are all that the statement has as fees and tax on fees, less what was given back. Reserves and payouts change \
nothing: what is held back was credited.
The amount in euro, for the threshold only, is by the ECB's rates of the year's end.""".splitlines()
FORM_1099K = (
    Threshold(
        2011, 2023, 200, 2_000_000, "USD",
        "26 U.S.C. 6050W(e): more than 20,000 USD and more than 200 transactions. The 600 USD of the American Rescue "
        "Plan Act of 2021 never came to be applied (IRS Notices 2023-10 and 2023-74; repealed by Pub. L. 119-21)",
    ),
    Threshold(
        2024, 2024, 0, 500_000, "USD",
        "IRS Notice 2024-85: more than 5,000 USD, for the forms that were due in early 2025. Pub. L. 119-21 section "
        "70432 later put 20,000 USD and 200 transactions back, for 2024 too",
    ),
    Threshold(
        2025, 2999, 200, 2_000_000, "USD",
        "26 U.S.C. 6050W(e) as put back by Pub. L. 119-21 (One Big Beautiful Bill Act), section 70432; IRS Fact Sheet "
        "2025-08: more than 20,000 USD and more than 200 transactions",
    ),
)  # fmt: skip
FORM_RULES = """\
Gross amount is what buyers paid and what the operator added for its own discounts, by the day of the sale, without \
regard to fees, refunds or any other amount (26 CFR 1.6050W-1(a)(6)); what the operator collects for duty and import \
tax is not the seller's.
A transaction is an order of which something was settled to the seller; what was canceled before was none.
Only US dollars and the federal threshold: some states ask for more.""".splitlines()


def threshold_of(some: Iterable[Threshold], year: int) -> Threshold:
    """Raises NotFound for a year that the rule is not about."""
    for one in some:
        if one.first_year <= year <= one.last_year:
            return one
    raise NotFound


async def sellers_after(tx: ReadTx, after: UUID | None) -> list[Seller]:
    """The next sellers, the operator's own shop among them; SELLERS at a time."""
    return await sellers.page(tx, None if after is None else SellerId(after), SELLERS)


async def dac7(tx: ReadTx, keys: Keys, some: Sequence[Seller], year: int) -> list[Dac7Seller]:
    """What is to be told of those of the sellers for whom anything was moved in a year. Raises NotFound for a year
    before 2023."""
    threshold = threshold_of(DAC7_EXCLUDED, year)
    known = await _known(tx, keys, some, year)
    at = min(date(year, 12, 31), tx.now.date())
    book = await trade.book(tx, (), (), at, [*await sellers.currencies(tx), "EUR"])
    found = []
    for seller in some:
        if seller.kind == "own":
            continue
        payees = await payments.payees(tx, keys, seller.cell, seller.id)
        accounts = []
        for moved in await ledger.moved_accounts(tx, seller.cell, "seller", seller.id):
            quarters = await _quarters(tx, seller, moved, year)
            if any(quarter != Quarter(0, 0, 0, 0) for quarter in quarters):
                payee = payees.get(moved.currency)
                holder, iban = ("", "") if payee is None else (payee.holder, payee.iban)
                accounts.append(Dac7Account(moved.currency, holder, iban, quarters))
        if accounts:
            found.append(_told(seller, known.get(seller.id), accounts, _in_euro(accounts, book), threshold))
    return found


async def _known(tx: ReadTx, keys: Keys, some: Sequence[Seller], year: int) -> dict[UUID, Identity]:
    """Who they were at the end of the year, as far as they have said it."""
    end = datetime(year + 1, 1, 1, tzinfo=UTC)
    return await sellers.identities(tx, keys, [seller.id for seller in some], end)


def _told(
    seller: Seller, who: Identity | None, accounts: list[Dac7Account], eur_minor: int | None, limit: Threshold
) -> Dac7Seller:
    quarters = [quarter for account in accounts for quarter in account.quarters]
    sales = sum(quarter.activities for quarter in quarters)
    why = "reportable"
    if who is not None and who.country not in EU and not EU.intersection(who.branches):
        why = "not_in_the_eu"
    elif sales < limit.transactions and eur_minor is not None and eur_minor <= limit.amount_minor:
        why = "few_sales"
    missing = _lacking(who, ("tax_id",))
    if any(not account.iban for account in accounts):
        missing.append("bank_account")
    correct = any(quarter.consideration_minor < 0 for quarter in quarters)
    return Dac7Seller(
        show("sel", seller.id), seller.name, why == "reportable", why, missing, correct, sales, eur_minor, who, accounts
    )


def _lacking(who: Identity | None, wanted: Collection[str]) -> list[str]:
    """What is not known of a seller that must be told; without a tax id the place of birth stands in for it."""
    if who is None:
        return ["identity"]
    asked = [*wanted, *(("first_name", "birth_date") if who.kind == "person" else ("register_number",))]
    missing = [name for name in asked if not getattr(who, name)]
    return [name for name in missing if not (name == "tax_id" and who.birth_place)]


async def _quarters(tx: ReadTx, seller: Seller, moved: Moved, year: int) -> list[Quarter]:
    begins = await _begins(tx, moved.currency, year, 3)
    totals = await ledger.totals(tx, seller.cell, moved.account_id, begins)
    only_parts = await _sold_in_parts(tx, seller.cell, moved.account_id, begins)
    quarters = []
    for span in range(1, len(begins)):
        mine = [total for total in totals if total.span == span]
        fees = _sum(mine, [group for group in FEES if group != "withheld_tax"])
        taxes = _sum(mine, ["withheld_tax"])
        gross = _sum(mine, ["sales", "refunds"])
        activities = sum(total.entries for total in mine if total.code == SOLD[0]) + len(only_parts[span - 1])
        quarters.append(Quarter(activities, gross + fees + taxes, -fees, -taxes))
    return quarters


def _sum(totals: Iterable[Total], groups: Collection[str]) -> int:
    return sum(total.amount_minor for total in totals if kind_of(total.code).group in groups)


async def _begins(tx: ReadTx, currency: str, year: int, months: int) -> list[datetime]:
    """When each span of so many months of a year begins, and the next year."""
    firsts = [date(year, month, 1) for month in range(1, 13, months)] + [date(year + 1, 1, 1)]
    return [begin.at for begin in await tx.all(store.BEGINS, currency=currency, firsts=firsts)]


async def _sold_in_parts(tx: ReadTx, cell: int, account: int, begins: Sequence[datetime]) -> list[list[UUID]]:
    """Of each span the orders of which nothing was released but parts: those that were all in dispute."""
    found: list[list[UUID]] = [[] for _ in begins[1:]]
    parts = await ledger.credited(tx, cell, account, SOLD[1], begins)
    seen = set[UUID]()
    for span in sorted({part.span for part in parts}):
        of = await orders.orders_of_parts(tx, cell, [part.cause_id for part in parts if part.span == span])
        released = await ledger.named(tx, cell, of, SOLD[0])
        found[span - 1] = [order for order in of if order not in released.keys() | seen]
        seen.update(of)
    return found


def _in_euro(accounts: Sequence[Dac7Account], book: trade.Book) -> int | None:
    """All consideration of the year in euro cents by the ECB's rates of its end; None where a rate is not known."""
    total = Decimal(0)
    for account in accounts:
        minor = sum(quarter.consideration_minor for quarter in account.quarters)
        try:
            total += Decimal(minor).scaleb(2 - exponent(account.currency)) * book.factor(account.currency, "EUR")
        except trade.CurrencyRateMissing:
            return None
    return int(total.to_integral_value())


async def form_1099k(tx: ReadTx, keys: Keys, some: Sequence[Seller], year: int) -> list[FormSeller]:
    """What Form 1099-K asks of those of the sellers who sold anything for US dollars in a year. Raises NotFound for a
    year before 2011."""
    threshold = threshold_of(FORM_1099K, year)
    known = await _known(tx, keys, some, year)
    begins = await _begins(tx, "USD", year, 1)
    ever = [*begins[:-1], max(begins[-1], tx.now + timedelta(microseconds=1))]
    found = []
    for seller in some:
        accounts = await ledger.account_ids(tx, seller.cell, ["seller"], [seller.id], ["USD"])
        if seller.kind == "own" or accounts == [0]:
            continue
        only_parts = await _sold_in_parts(tx, seller.cell, accounts[0], ever)
        rows = await ledger.gross(
            tx, seller.cell, accounts[0], SOLD[0], begins, plus=["pay", "fund"], less=["duties", "tax"],
            more=[order for span in only_parts for order in span],
        )  # fmt: skip
        if rows:
            found.append(_form(seller, known.get(seller.id), rows, threshold))
    return found


def _form(seller: Seller, who: Identity | None, rows: Sequence[ledger.Gross], limit: Threshold) -> FormSeller:
    by_month = [sum(row.amount_minor for row in rows if row.span == month) for month in range(1, 13)]
    gross, count = sum(by_month), sum(row.causes for row in rows)
    why = "reportable"
    if who is not None and who.country != "US" and who.tax_country != "US":
        why = "not_in_the_us"
    elif gross <= limit.amount_minor or count <= limit.transactions:
        why = "below_threshold"
    missing = ["identity"] if who is None else [] if who.tax_id and who.tax_country == "US" else ["tax_id"]
    return FormSeller(
        show("sel", seller.id), seller.name, why == "reportable", why, missing, count, gross, by_month, who
    )
