"""Platform: the installation itself. Switches turn off for a while what a peak can do without; rehearsals say what it
holds.

Something is off from when an operator says so, for a reason, until a time; then it is on again by itself. Processes
know within a second, and no request asks the database. Nothing that a purchase needs has a switch, and nothing that the
law gives buyers is refused by one: refunds are taken as ever, and only their calls of gateways wait.

Invariants: of each name at most one row has not ended; a row is never changed but to end.

The audit log (kit.audit) is read here.

Events: switch_turned_off (key: the row; data: name, user_id, until), switch_turned_on (key: the row; data: name,
user_id, which is nil when its time had come). A rehearsal leaves its row, and no event.
"""

from entrepot.platform.actions import note_rehearsal, turn_off, turn_on
from entrepot.platform.reads import CSV_MAX, LineView, audit_csv, audit_lines, changes, is_off, rehearsal, rehearsals
from entrepot.platform.switches import Switches
from entrepot.platform.types import SWITCHES, Off, Rehearsal, Switch

__all__ = [
    "CSV_MAX", "SWITCHES", "LineView", "Off", "Rehearsal", "Switch", "Switches", "audit_csv", "audit_lines", "changes",
    "is_off", "note_rehearsal", "rehearsal", "rehearsals",
    "turn_off", "turn_on",
]  # fmt: skip
