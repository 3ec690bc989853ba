"""What can be switched off, what is, and what the installation holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

LONGEST = timedelta(days=7)
"""How long something can be off at a time."""


class Switch(StrEnum):
    """What a peak can do without; buying needs none of it."""

    FACETS = "facets"
    RECOMMENDATIONS = "recommendations"
    REFUNDS = "refunds"
    REPORTS = "reports"
    REVIEWS = "reviews"
    STATEMENTS = "statements"


SWITCHES = {
    Switch.FACETS: "Categories beside what a search has found, and likeness for misspelled words.",
    Switch.RECOMMENDATIONS: "What others bought lately, and more from the same category.",
    Switch.REFUNDS: "Calls that send money back through gateways: what is asked for is taken as ever and sent later.",
    Switch.REPORTS: "The operator's figures by day.",
    Switch.REVIEWS: "Reviews and ratings, on pages and over the API.",
    Switch.STATEMENTS: "Sellers' statements of account.",
}
"""What each turns off."""


class Off(msgspec.Struct, frozen=True):
    """Something that was turned off at `at` by `user_id` (nil: by the command) until `until`, or until `ended_at`."""

    name: str
    user_id: UUID
    why: str
    at: datetime
    until: datetime
    ended_at: datetime | None
    ended_by: UUID | None


class Rehearsal(msgspec.Struct, frozen=True):
    """What a rehearsal of a peak has measured: orders placed in a second before the first limit was reached, and of
    them those that a waiting room may let in. `verdict`: go, no_go or, without a forecast, measured."""

    id: UUID
    at: datetime
    capacity_per_s: int
    admit_per_s: int
    forecast_per_s: int | None
    verdict: str
    bottleneck: str
