"""What the ledger has to say of a window, day by day, counted from the source and from what becomes of its baskets.

An independent computation: nothing of the rooms is called, amounts are computed anew from the source's lines, and what
is split is split here. Most orders are columns (polars); those of which something becomes are looked at one by one.

An order's money: pay and fund when it is placed; release, commission and payment fee when it is confirmed; what goes
back is a part with its share of each, rounded down, called back from the seller where it was released before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import polars as pl
from polars import col

from entrepot.world.completejourney import fates
from entrepot.world.completejourney.fates import Fate
from entrepot.world.completejourney.identity import OPENING
from entrepot.world.completejourney.load import TERMS
from entrepot.world.completejourney.source import Source

CONFIRMED_AFTER, BY_TIMER_AFTER = 3, 13
"""Days from the sale to the release: of households with an even number, and of the others."""
FIRST_PAYOUT, PAYOUT_EVERY, SETTLED_AFTER = date(2017, 1, 2), 14, 5
MORNING, LATER = 0, 1
"""What the timers do comes before the day's payouts, what people do after them."""


class Amounts(NamedTuple):
    """Of an order, a line or a part, in cents."""

    paid: int
    funded: int
    commission: int
    fee: int

    @property
    def net(self) -> int:
        """What is the seller's of it."""
        return self.paid + self.funded - self.commission - self.fee

    def share(self, part: int, whole: int) -> Amounts:
        return Amounts(*(amount * part // whole for amount in self))

    def less(self, other: Amounts) -> Amounts:
        return Amounts(*(a - b for a, b in zip(self, other, strict=True)))


class Line(NamedTuple):
    seller_id: int
    quantity: int
    price_per: int
    amounts: Amounts


class Expected(NamedTuple):
    """`sums` by day and code of transfers, `left` by code of accounts: escrow, wallet, seller; units of stock."""

    sums: dict[tuple[date, str], int]
    left: dict[str, int]
    stock_left: int


class _Books:
    """Sums that grow."""

    def __init__(self) -> None:
        self.sums: dict[tuple[date, str], int] = defaultdict(int)
        self.nets: list[tuple[int, date, int, int]] = []
        self.wallets = 0
        self.stock_left = 0

    def move(self, day: date, **amounts: int) -> None:
        for code, amount in amounts.items():
            self.sums[day, code] += amount

    def earn(self, seller_id: int, day: date, slot: int, amounts: Amounts, sign: int = 1) -> None:
        self.nets.append((seller_id, day, slot, sign * amounts.net))


def expect(source: Source, until: date) -> Expected:
    """Of the window before `until`, to the end of the replay."""
    books = _Books()
    nets = [_plain(books, lines) for lines in source.sold(None, until)]
    odd = pl.DataFrame(books.nets, schema=nets[0].schema, orient="row")
    paid_out, owed = _payouts(pl.concat([*nets, odd]), until)
    for day, amount in paid_out:
        books.move(day, payout=amount)
    left = {"escrow": 0, "wallet": books.wallets, "seller": owed}
    return Expected({key: amount for key, amount in books.sums.items() if amount}, left, books.stock_left)


def _rate(amount: pl.Expr, rate_bp: int) -> pl.Expr:
    return (amount * rate_bp + 5_000) // 10_000


def _plain(books: _Books, lines: pl.DataFrame) -> pl.DataFrame:
    """Books the sale of all lines and the release of the orders of which nothing becomes; the others are looked at one
    by one. What sellers earn by the former: seller_id, day, slot, net."""
    funded = col("retail_disc_minor") + col("coupon_match_minor")
    lines = lines.with_columns(
        funded=funded, worth=col("gross_minor") - col("coupon_minor"), day=col("transaction_timestamp").dt.date()
    ).with_columns(paid=col("worth") - col("funded"), commission=_rate(col("worth"), TERMS.commission_bp))
    odd = _odd(books, lines)
    for day, paid, given in lines.group_by("day").agg(col("paid", "funded").sum()).iter_rows():
        books.move(day, pay=paid, fund=given)
        books.move(OPENING.date(), top_up=paid)
    orders = (
        lines.join(odd, on=["basket_id", "seller_id"], how="anti")
        .group_by("basket_id", "seller_id")
        .agg(col("household_id", "day").first(), col("paid", "funded", "commission").sum())
        .with_columns(fee=_rate(col("paid"), TERMS.payment_fee_bp), even=col("household_id") % 2 == 0)
        .with_columns(
            day=col("day") + pl.when("even").then(pl.duration(days=CONFIRMED_AFTER)).otherwise(
                pl.duration(days=BY_TIMER_AFTER)
            ),
            slot=pl.when("even").then(LATER).otherwise(MORNING).cast(pl.Int64),
        )
    )  # fmt: skip
    released = orders.group_by("day").agg((col("paid") + col("funded")).sum(), col("commission", "fee").sum())
    for day, amount, commission, fee in released.iter_rows():
        books.move(day, release=amount, commission=commission, payment_fee=fee)
    net = (col("paid") + col("funded") - col("commission") - col("fee")).sum()
    return orders.group_by("seller_id", "day", "slot").agg(net=net).select("seller_id", "day", "slot", "net")


def _odd(books: _Books, lines: pl.DataFrame) -> pl.DataFrame:
    """Books what becomes of baskets; (basket_id, seller_id) of the orders whose release is booked by that."""
    totals = lines.group_by("basket_id").agg(col("paid").sum())
    some = [basket for basket, paid in totals.iter_rows() if fates.kind_of(basket) or fates.is_lent(basket, paid)]
    found: list[tuple[int, int]] = []
    wanted = lines.filter(col("basket_id").is_in(some)).partition_by("basket_id", maintain_order=True)
    for rows in wanted:
        head = rows.row(0, named=True)
        columns = rows.select("seller_id", "quantity", "price_per", "paid", "funded", "commission").iter_rows()
        basket = [
            Line(s, n, per, Amounts(paid, given, commission, 0)) for s, n, per, paid, given, commission in columns
        ]
        fate = fates.fate_of(
            head["basket_id"], [x.quantity for x in basket], [x.price_per for x in basket],
            [x.amounts.paid for x in basket],
        )  # fmt: skip
        backs = list(_befalls(books, head, basket, fate)) if fate else []
        if fate:
            found.append((head["basket_id"], basket[fate.line].seller_id))
        if fates.is_lent(head["basket_id"], sum(x.amounts.paid for x in basket)):
            _Plan(books, head["basket_id"], head["transaction_timestamp"], basket).live(backs)
        else:
            books.wallets += sum(amount for _, _, amount in backs)
    return pl.DataFrame(found, schema={"basket_id": pl.Int64, "seller_id": pl.Int64}, orient="row").cast(
        {name: lines.schema[name] for name in ("basket_id", "seller_id")}
    )


Back = tuple[date, int, int]
"""Day, slot, and how much of what was paid goes back to who paid it."""


def _befalls(books: _Books, head: dict[str, Any], basket: Sequence[Line], fate: Fate) -> Iterator[Back]:
    """Books all that becomes of the order that a fate is about."""
    placed: date = head["day"]
    seller = basket[fate.line].seller_id
    mine = [line for line in basket if line.seller_id == seller]
    order = _of_order([line.amounts for line in mine])
    line = _with_fees(mine)[sum(x.seller_id == seller for x in basket[: fate.line])]
    even = head["household_id"] % 2 == 0
    released = placed + timedelta(days=CONFIRMED_AFTER if even else BY_TIMER_AFTER)
    slot = LATER if even else MORNING
    if fate.kind == "refunded":
        part, begins = line.share(fate.amount_minor, line.paid), placed + timedelta(days=fate.refunded_after)
    else:
        part = line.share(fate.units, basket[fate.line].quantity)
        begins = placed + timedelta(days=fates.CANCELED_AFTER if fate.kind == "canceled" else fate.way.opened)
    if fate.kind == "canceled":
        books.stock_left += fate.units
        if len(mine) == 1 and part == line:
            books.move(begins, refund=order.paid, unfund=order.funded)
            yield begins, LATER, order.paid
            return
    if begins > released:
        rest = order
        books.move(begins, recall=part.paid + part.funded, commission_back=part.commission, payment_fee_back=part.fee)
        books.earn(seller, begins, LATER, part, -1)
    else:
        rest = order.less(part)
    books.move(released, release=rest.paid + rest.funded, commission=rest.commission, payment_fee=rest.fee)
    books.earn(seller, released, slot, rest)
    if fate.kind in ("canceled", "refunded"):
        books.move(begins, refund=part.paid, unfund=part.funded)
        yield begins, LATER, part.paid
    else:
        yield from _disputed(books, placed, seller, part, fate)


def _disputed(books: _Books, placed: date, seller: int, part: Amounts, fate: Fate) -> Iterator[Back]:
    """A part that was frozen ends as its way says: some goes back, the rest is released."""
    way = fate.way
    ends, slot = placed + timedelta(days=way.ends), MORNING if way.by_itself else LATER
    given = part.paid * way.back_bp // fates.WHOLE
    back = part if given == part.paid else part.share(given, part.paid)
    kept = part.less(back)
    books.move(ends, refund=back.paid, unfund=back.funded)
    books.move(
        ends, part_release=kept.paid + kept.funded, part_commission=kept.commission, part_payment_fee=kept.fee
    )  # fmt: skip
    books.earn(seller, ends, slot, kept)
    books.stock_left += fate.restocked
    if back.paid:
        yield ends, slot, back.paid


def _of_order(lines: Sequence[Amounts]) -> Amounts:
    """The sums of an order's lines, and its payment fee, which is of the order: half up."""
    paid = sum(line.paid for line in lines)
    fee = (paid * TERMS.payment_fee_bp + 5_000) // 10_000
    return Amounts(paid, sum(x.funded for x in lines), sum(x.commission for x in lines), fee)


def _with_fees(lines: Sequence[Line]) -> list[Amounts]:
    """Each line with its part of the order's payment fee: by what was paid for it, rounded down, and the cents that are
    over to those who lost most by that, the first ones first."""
    order = _of_order([line.amounts for line in lines])
    shares = [Fraction(order.fee * line.amounts.paid, order.paid) for line in lines]
    fees = [int(share) for share in shares]
    losers = sorted(range(len(lines)), key=lambda i: fees[i] - shares[i])
    for i in losers[: order.fee - sum(fees)]:
        fees[i] += 1
    return [line.amounts._replace(fee=fee) for line, fee in zip(lines, fees, strict=True)]


class _Plan:
    """What is paid in installments: thirds of amount and fee, the first ones a cent more; what goes back is owed no
    more, from the last one on, with its share of the fee; what was paid of it comes back into the wallet."""

    def __init__(self, books: _Books, basket_id: int, placed_at: datetime, lines: Sequence[Line]) -> None:
        self.books, self.basket_id, self.placed_at = books, basket_id, placed_at
        self.lent = sum(line.amounts.paid for line in lines)
        self.fee = (self.lent * fates.FEE_BP + 5_000) // 10_000
        n = fates.MONTHS
        self.open = [[self.lent // n + (i < self.lent % n), self.fee // n + (i < self.fee % n)] for i in range(n)]
        books.move(placed_at.date(), top_up=self.fee)
        books.wallets += self.lent + self.fee

    def live(self, backs: Sequence[Back]) -> None:
        """Payments come before all else on their days."""
        paying = [(day, MORNING - 1, 0) for day in fates.paid_on(self.basket_id, self.placed_at)]
        for day, slot, amount in sorted([*paying, *backs]):
            if slot < MORNING:
                self._pay(day)
            else:
                self._give_back(day, amount)

    def _pay(self, day: date) -> None:
        """The next one; or all, without the fee of the month that has not begun."""
        if fates.is_paid_off(self.basket_id):
            self.fee -= self.open[2][1]
            self.open[2][1] = 0
            paying, self.open = self.open, []
        else:
            paying, self.open = self.open[:1], self.open[1:]
        principal, fee = sum(p for p, _ in paying), sum(f for _, f in paying)
        self.books.move(day, principal=principal, fee=fee)
        self.books.wallets -= principal + fee

    def _give_back(self, day: date, amount: int) -> None:
        fee = -(-self.fee * amount // self.lent)  # rounded up, for the buyer bears it
        self.lent, self.fee = self.lent - amount, self.fee - fee
        for one in reversed(self.open):
            less, less_fee = min(one[0], amount), min(one[1], fee)
            one[0], one[1] = one[0] - less, one[1] - less_fee
            amount, fee = amount - less, fee - less_fee
        self.books.move(day, plan_back=amount + fee, plan_fee_back=fee)
        self.books.wallets += amount + fee


def _payouts(nets: pl.DataFrame, until: date) -> tuple[list[tuple[date, int]], int]:
    """Every other Monday each seller is sent what it has, and the bank has it five days later: these days with their
    sums, and what sellers have in the end, which is what they owe."""
    nets = nets.with_columns(at=col("day").cast(pl.Int64) * 2 + col("slot"))
    end = until + timedelta(days=60)
    paid: dict[int, int] = defaultdict(int)
    sums, run = [], FIRST_PAYOUT
    while run < end:
        before = nets.filter(col("at") <= (run - date(1970, 1, 1)).days * 2 + MORNING)
        total = 0
        for seller, net in before.group_by("seller_id").agg(col("net").sum()).iter_rows():
            if net > paid[seller]:
                total += net - paid[seller]
                paid[seller] = net
        sums.append((run + timedelta(days=SETTLED_AFTER), total))
        run += timedelta(days=PAYOUT_EVERY)
    return sums, int(nets["net"].sum()) - sum(paid.values())
