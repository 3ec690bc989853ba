"""Platform: the installation itself. Today: switches, which turn off for a while what a peak can do without.

Something is off from when an operator says so, for a reason, until a time; then it is on again by itself. Processes
know within a second, and no request asks the database. Nothing that a purchase needs has a switch.

Invariants: of each name at most one row has not ended; a row is never changed but to end.

Events: switch_turned_off (key: the row; data: name, user_id, until), switch_turned_on (key: the row; data: name,
user_id, which is nil when its time had come).
"""

from entrepot.platform.actions import turn_off, turn_on
from entrepot.platform.reads import changes
from entrepot.platform.switches import Switches
from entrepot.platform.types import SWITCHES, Off, Switch

__all__ = ["SWITCHES", "Off", "Switch", "Switches", "changes", "turn_off", "turn_on"]
