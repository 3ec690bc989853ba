"""What is wrong in the small world with its campaign, and with what is set aside for it."""

CAMPAIGNS = {
    "goods set aside from nowhere": (
        "select move('set_aside', 5, 1, uid('rush'))",
        ["set_aside: inventory.movement [rush]", "campaign: campaigns.offer 50"],
    ),
    "goods put back without their cost": (
        "select move('set_aside', 5, -1, uid('rush')), move('set_aside', 3, 1, uid('rush'), 20)",
        ["set_aside: inventory.movement [rush]"],
    ),
    "a campaign that never put back": (
        "update campaigns.campaign set ends_at = '2020-02-20Z'",
        ["campaign: campaigns.offer 50"],
    ),
    "bought from a campaign beside its limit": (
        """insert into pricing.quota (cell, name, owner, granted, used)
           values (0, 'campaign:' || replace(uid('rush')::text, '-', '') || ':50', uid('buyer'), 2, 0);
           insert into pricing.quota_use (cell, cause_id, quota_id, amount, at, given_back_at)
           select 0, uid('canceled'), id, 1, '2020-02-20Z', '2020-02-20Z'
             from pricing.quota where name like 'campaign:%'""",
        ["campaign: campaigns.offer 50"],
    ),
}
