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
    "what a person brought in and did not": (
        """update pricing.quota set used = 5 where id = 9;
           insert into pricing.quota_use values (0, uid('basket'), 9, 5, '2020-02-20Z')""",
        ["person_quota: pricing.quota_use [basket] 9"],
    ),
}
