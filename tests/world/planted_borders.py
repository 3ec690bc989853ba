"""What is planted about borders: see planted."""

BORDERS = {
    "duties of what was returned and had paid none": (
        "update orders.part set duties_minor = 3 where id = uid('gone')",
        ["part_money: orders.part [gone]", "return_duties: orders.part [gone]"],
    ),
    "return of more than was collected": (
        """update customs.tax_return
              set content = jsonb_build_object('lines', '[]'::jsonb, 'parts', jsonb_build_array(
                      jsonb_build_object('id', id, 'cell', 0, 'currency', 'USD', 'tax_minor', 5)))""",
        ["tax_return: customs.tax_return IOSS 2020-02-01 USD"],
    ),
    "tax that nobody has to pay": (
        "select post(uid('shipped'), 'tax', 'escrow', 'tax_ioss', 5)",
        [
            "duties: orders.order [shipped]",
            "escrow_balance: ledger.account escrow USD",
            "tax_balance: ledger.account tax_ioss USD",
            "tax_return: customs.tax_return IOSS 2020-02-01 USD",
        ],
    ),
    "tax that went back and was not noted": (
        "select post(uid('gone'), 'tax_back', 'tax_ioss', 'escrow', 5)",
        [
            "escrow_balance: ledger.account escrow USD",
            "part_money: orders.part [gone]",
            "tax_back: orders.tax_back [gone]",
            "tax_balance: ledger.account tax_ioss USD",
            "tax_return: customs.tax_return IOSS 2020-02-01 USD",
        ],
    ),
    "tax in a price that was kept and not owed": (
        "select post(uid('completed'), 'withheld', 'seller', 'advanced_tax', 5)",
        ["advanced_tax: ledger.account advanced_tax USD", "seller_fees: orders.order [completed]"],
    ),
    "tax in a price that was owed and is not advanced": (
        "update orders.order set withheld_minor = 101 where id = uid('delivered')",
        ["advanced_tax: ledger.account advanced_tax USD", "duties: orders.order [delivered]"],
    ),
    "tax in a price of which a part has another share": (
        "update orders.part_line set withheld_minor = 47 where part_id = uid('frozen')",
        ["part_shares: orders.part [frozen] line 1", "part_sum: orders.part [frozen]"],
    ),
    "duties that a broker's line did not ask for": (
        "select post(uid('broker line'), 'duties_settled', 'duties', 'broker', 5)",
        [
            "broker_balance: ledger.account broker USD",
            "broker_line: customs.broker_line [broker line]",
            "duties_balance: ledger.account duties USD",
        ],
    ),
    "goods in bond that are of no item": (
        """insert into inventory.stock (cell, id, seller_id, variant_id, location_id) overriding system value
           values (0, 78, uid('seller'), 2, 77);
           select move('receive', 78, 1, uid('smuggled'))""",
        ["bonded_book: inventory.stock 78"],
    ),
    "goods in bond that nobody entered": (
        "update bonded.item set quantity_milli = 1700",
        ["bonded_book: bonded.item 1"],
    ),
    "an entry that no goods moved for": (
        """insert into bonded.entry values (0, uid('inbound'), 1, 'found', 180, '2020-02-20Z');
           update bonded.item set quantity_milli = 1980""",
        ["bonded_book: bonded.item 1", "bonded_entry: bonded.entry [inbound] 1"],
    ),
    "goods that are let out and that nobody declared": (
        """insert into bonded.release
           values (0, uid('out'), uid('paid'), 'released', 'post', '7', '2020-02-20Z');
           insert into bonded.release_line values (0, uid('out'), 1, 180)""",
        ["bonded_book: bonded.item 1", "bonded_entry: bonded.entry [out] 1", "declaration: orders.order [paid]"],
    ),
    "a declaration that says it is released": (
        "update customs.declaration set status = 'released', ended_at = '2020-02-20Z' where order_id = uid('paid')",
        ["declaration: orders.order [paid]"],
    ),
    "what a person brought in and did not": (
        """update pricing.quota set used = 5 where id = 9;
           insert into pricing.quota_use values (0, uid('basket'), 9, 5, '2020-02-20Z')""",
        ["person_quota: pricing.quota_use [basket] 9"],
    ),
}
