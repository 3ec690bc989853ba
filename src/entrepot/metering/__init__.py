"""What sellers use of the operator's services (calls, storage, messages, whatever is metered), and what it costs.

The operator says what is metered and at which prices, and reports events of use; an event is known by its seller and
id. A day after a month's end the worker bills it: the fee goes from the seller's account as any other, with its tax,
and stands on the invoice and the statement of the month in which it is taken. What comes after that of a month that is
billed is late: it is on the next bill, at the price of its day, in the tiers where its own month ended.

Invariants:
  the first report of an event's id is the event; a repeat with other content changes nothing;
  each event is on exactly one bill, of its month or a later one, and a month of a seller is billed once;
  a bill's quantities are those of its events, each at the price of its day; a price never changes for days begun.

Events: meter_added, meter_priced (of nobody; data: meter), usage_billed (key: the seller's id; data: bill_id, month).
"""

from entrepot.metering.actions import GRACE, OLDEST, add_meter, bill_due, set_rate, take
from entrepot.metering.reads import meters, rates, totals, use_of
from entrepot.metering.rules import micro_of, month_of, written
from entrepot.metering.types import (
    Bill,
    Combine,
    Event,
    Line,
    Meter,
    MeterExists,
    PriceNotLater,
    Rate,
    Report,
    Total,
    Use,
    Used,
    Verdict,
)

__all__ = [
    "GRACE", "OLDEST", "Bill", "Combine", "Event", "Line", "Meter", "MeterExists", "PriceNotLater", "Rate", "Report",
    "Total", "Use", "Used", "Verdict", "add_meter", "bill_due", "meters", "micro_of", "month_of", "rates", "set_rate",
    "take", "totals", "use_of", "written",
]  # fmt: skip
