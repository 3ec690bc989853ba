"""Shipping services and promotions, and why a purchase has no price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar, NamedTuple

import msgspec

from entrepot.kit.problem import Problem


class ShippingService(msgspec.Struct, frozen=True):
    """Each order (one seller, one ship-from) costs `base_minor`, and `item_minor` more per line.

    `transit_s` is how long it is usually under way; services are shown by `position`. By one that is `slotted` goods
    come in a time slot, which the buyer chooses; a service is so from its first slot on. Over a border it is `DDP`,
    duty and tax are paid with the order, or `DAP`, they are asked for at the door; whoever clears what pays any of them
    at customs takes `clearance_minor` for it. It is `carried` by the post or a courier: law tells them apart."""

    market: str
    code: str
    name: str
    base_minor: int
    item_minor: int
    transit_s: int
    position: int
    incoterm: str = "DAP"
    clearance_minor: int = 0
    carried: str = "courier"
    slotted: bool = False


class Window(msgspec.Struct, frozen=True):
    """When something is delivered: `starts` and `ends` are what a clock in the market's `time_zone` shows then."""

    slot: int
    starts_at: datetime
    ends_at: datetime
    starts: datetime
    ends: datetime
    time_zone: str


class Slot(Window, frozen=True):
    """A window of a shipping service, in which so many orders are delivered as there are places (`capacity`). Who wants
    one of them places before `closes_at`, the cut-off (`closes` by the market's clock); while the operator has it
    closed, nobody does."""

    market: str
    shipping: str
    closes_at: datetime
    closes: datetime
    capacity: int
    closed_at: datetime | None


class SlotUse(Slot, frozen=True):
    """A slot, and how many of its places orders have, in all cells."""

    taken: int

    @property
    def free(self) -> int:
        return self.capacity - self.taken


class NewSlots(msgspec.Struct, frozen=True):
    """A slot on each of these days, `starts` to `ends` by the market's clock, which closes so many minutes before."""

    market: str
    shipping: str
    days: list[date]
    starts: time
    ends: time
    capacity: int
    cutoff_min: int


class Promotion(msgspec.Struct, frozen=True):
    """Takes `percent_bp` basis points or `amount_minor` (one of them is None) off purchases whose items, after the
    discounts of their lines, come to `minimum_minor` at least. `funding_party` (operator or seller) bears it.

    At most `max_uses` purchases use it, `max_per_buyer` of one buyer, and altogether it takes off `budget_minor`; None
    is no limit. A purchase of which every order was canceled, or that was never paid, gives back what it used."""

    code: str
    market: str
    percent_bp: int | None
    amount_minor: int | None
    minimum_minor: int
    funding_party: str
    valid_from: datetime
    valid_to: datetime
    max_uses: int | None = None
    max_per_buyer: int | None = None
    budget_minor: int | None = None


class QuotaUse(NamedTuple):
    """`amount` of a quota that a purchase uses up when it is placed."""

    quota_id: int
    amount: int


@dataclass(eq=False)
class NothingToPrice(Problem):
    """There are no lines."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class TooManyLines(Problem):
    """A purchase has too many lines."""

    status: ClassVar[int] = 409
    limit: int


@dataclass(eq=False)
class MixedMarkets(Problem):
    """All offers of a purchase must be of its market."""

    status: ClassVar[int] = 409
    offer_id: int


@dataclass(eq=False)
class QuantityNotValid(Problem):
    """A quantity is too small or too large."""

    status: ClassVar[int] = 409
    offer_id: int
    limit: int


@dataclass(eq=False)
class DiscountNotValid(Problem):
    """A line's discounts must be positive, differ in kind, and not exceed the line."""

    status: ClassVar[int] = 409
    offer_id: int


@dataclass(eq=False)
class AmountTooLarge(Problem):
    """An amount is larger than the ledger takes."""

    status: ClassVar[int] = 409
    limit_minor: int


@dataclass(eq=False)
class ShippingNotOffered(Problem):
    """The market does not have this shipping service."""

    status: ClassVar[int] = 409
    code_given: str


@dataclass(eq=False)
class PromotionNotValid(Problem):
    """The promotion does not apply."""

    status: ClassVar[int] = 409
    reason: str  # unknown, not_now or below_minimum
    minimum_minor: int = 0


@dataclass(eq=False)
class ShippingServiceExists(Problem):
    """The market has another shipping service of this code."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class PromotionExists(Problem):
    """There is another promotion of this code."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class LimitReached(Problem):
    """What this purchase uses has been used up."""

    status: ClassVar[int] = 409
    limit: str  # promotion:CODE, and :buyer or :budget
    available: int


@dataclass(eq=False)
class SlotNeeded(Problem):
    """By this shipping service goods come in a time slot: choose one of those that it has."""

    status: ClassVar[int] = 409
    shipping: str


@dataclass(eq=False)
class SlotNotOffered(Problem):
    """The shipping service has no such time slot."""

    status: ClassVar[int] = 409
    slot: int


@dataclass(eq=False)
class SlotClosed(Problem):
    """Its cut-off is over, or it was closed: choose a later time slot."""

    status: ClassVar[int] = 409
    slot: int
    closes_at: datetime


@dataclass(eq=False)
class SlotFull(Problem):
    """The time slot has not so many places left, each order takes one: choose another."""

    status: ClassVar[int] = 409
    slot: int
    free: int


@dataclass(eq=False)
class SlotExists(Problem):
    """There is a slot of this window with another capacity or cut-off."""

    status: ClassVar[int] = 409
    slot: int


@dataclass(eq=False)
class PlacesTaken(Problem):
    """Orders have more places of this slot: it keeps at least so many."""

    status: ClassVar[int] = 409
    slot: int
    taken: int


SLOT_PROBLEMS = (SlotNeeded, SlotNotOffered, SlotClosed, SlotFull)
"""Why a slot cannot be chosen."""
