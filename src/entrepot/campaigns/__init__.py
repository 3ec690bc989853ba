"""Campaigns: flash sales. Offers for a time, at a price of their own, with goods set aside and a limit for each buyer.

A campaign's goods lie in rows of stock of their own, so that ordinary sales cannot take them; its offers are of the
status `campaign`, so that no list shows them and no cart takes them; each buyer's limit is a quota, locked and judged
with the stock and given back with the purchase. `Desk.buy` quotes and places in one transaction, many at a time, and
sells to buyers of any cell. Who cannot buy is refused from memory: before the start, from the end on, over the limit,
and when nothing is left.

The waiting room, where a campaign has one, lets so many in per second, in the order in which they came; those who come
within 50 ms are put in order by lot, and one network address gets PLACES_PER_S places a second of each process.

Invariants:
  what is set aside is what was moved there, and from a campaign that is over it goes back when nobody has bought it;
  a buyer never has more units of an offer than its limit; a key that has bought is answered the same again;
  positions in a line are given once, and how many were let in never goes back.

Events: campaign_opened (key: the campaign; data: offer_ids), campaign_ended (key: the campaign; ended before its time),
campaign_admission_set (key: the campaign; data: admit_per_s, user_id, and rehearsal_id when its rate was taken over).
"""

from entrepot.campaigns.actions import admit_as_rehearsed, end_campaign, open_campaign, set_admission, settle
from entrepot.campaigns.desk import Desk
from entrepot.campaigns.selling import Outcome, Wish, sell_many
from entrepot.campaigns.types import (
    Campaign,
    CampaignNotStarted,
    CampaignOver,
    NewCampaign,
    NewOffer,
    NoLine,
    NotYourTurn,
    Sale,
    TicketNeeded,
)
from entrepot.campaigns.waiting import PLACES_PER_S, Place

__all__ = [
    "PLACES_PER_S", "Campaign", "CampaignNotStarted", "CampaignOver", "Desk", "NewCampaign", "NewOffer", "NoLine",
    "NotYourTurn", "Outcome", "Place", "Sale", "TicketNeeded", "Wish", "admit_as_rehearsed", "end_campaign",
    "open_campaign", "sell_many", "set_admission", "settle",
]  # fmt: skip
