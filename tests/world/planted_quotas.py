"""What is planted about quotas and time slots: see planted."""

QUOTAS = {
    "quota used once too often": (
        "update pricing.quota set used = used + 1 where id = 1",
        ["quota: pricing.quota 1"],
    ),
    "quota beyond what was granted": (
        """alter table pricing.quota drop constraint if exists quota_within_limit;
           update pricing.quota set granted = 0 where id = 1""",
        ["quota: pricing.quota 1"],
    ),
    "use kept by a purchase that expired": (
        """update pricing.quota_use set given_back_at = null where cause_id = uid('expired');
           update pricing.quota set used = 2 where id = 1""",
        ["quota_use: pricing.quota_use [expired] 1"],
    ),
    "budget from which less was taken than was given away": (
        """update pricing.quota_use set amount = 9 where quota_id = 2;
           update pricing.quota set used = 9 where id = 2""",
        ["quota_amount: pricing.quota_use [basket] 2"],
    ),
    "purchase that used a promotion twice": (
        """update pricing.quota_use set amount = 2 where cause_id = uid('basket') and quota_id = 1;
           update pricing.quota set used = 2 where id = 1""",
        ["quota_amount: pricing.quota_use [basket] 1"],
    ),
    "discount of a promotion that was not used": (
        "delete from pricing.quota_use where quota_id = 1; update pricing.quota set used = 0 where id = 1",
        ["promotion_used: orders.order_group [basket]"],
    ),
    "slot with more orders than places": (
        "update pricing.slot set capacity = 2",
        ["slot_places: pricing.slot 1"],
    ),
    "place that a cell has made up": (
        "update pricing.quota set granted = granted + 1 where cell = 0 and name = 'slot:1'",
        ["slot_places: pricing.slot 1"],
    ),
    "order in a slot without a place": (
        """delete from pricing.quota_use where cause_id = uid('trip');
           update pricing.quota set used = 2 where cell = 0 and id = 20""",
        ["slot_taken: pricing.quota_use [trip] slot:1"],
    ),
    "place of an order that stands given back": (
        """update pricing.quota_use set returned = 1 where cause_id = uid('basket') and quota_id = 20;
           update pricing.quota set used = 2 where cell = 0 and id = 20""",
        ["slot_taken: pricing.quota_use [basket] slot:1"],
    ),
    "orders after the cut-off": (
        "update pricing.slot set closes_at = '2020-02-21 01:00Z'",
        ["slot_in_time: orders.order [paid]", "slot_in_time: orders.order [shipped]"],
    ),
}
