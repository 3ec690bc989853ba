"""What banks took back in the small world, as SQL."""

# The bank of the buyer of the delivered order took 20 and the gateway a fee of 3: 15 were left of the payment, and are
# lost for good, but 2 that came too late: the operator's loss, though the seller was charged 2 of the fee. Another has
# 5 of what the dispute about the completed order left its seller.
BANK = """
insert into chargebacks.case
values (0, uid('bank'), uid('delivered'), 'USD', 20, 5, 3, 2, 'closed', '2020-02-29Z'),
       (0, uid('again'), uid('done'), 'USD', 5, 0, 0, 0, 'taken', null);
insert into chargebacks.late values (0, uid('late'), uid('bank'), 2, 0, '2020-02-29 01:00Z');
insert into chargebacks.share
values (0, uid('fell'), uid('bank'), 0, uid('delivered'), uid('seller'), 'USD', 15, 3, 'operator', 'ended', 2, 15, 0, 0,
        null, '2020-02-28Z'),
       (0, uid('asked'), uid('again'), 0, uid('completed'), uid('seller'), 'USD', 5, 0, 'seller', 'taken', 0, null, 0,
        null, null, '2020-02-29Z');
insert into chargebacks.part values (0, uid('kept'), uid('asked'), 5, false);
insert into orders.part (cell, id, order_id, no, kind, party, reason, recalled, paid_minor, operator_discount_minor,
                         commission_minor, payment_fee_minor, frozen_at, of_part)
values (0, uid('kept'), uid('completed'), 2, 'charged_back', 'buyer', '', true, 5, 0, 0, 0, '2020-02-29Z', uid('gone'));
insert into payments.taken values
    (0, uid('bank'), uid('delivered'), uid('delivered'), 15, 15),
    (0, uid('again'), uid('completed'), uid('done'), 5, 5);
update payments.payment set charged_back_minor = 5 where id = uid('done');
update payments.payment set charged_back_minor = 15, taken_over_minor = 5 where id = uid('delivered');
select post(uid('bank'), 'chargeback', 'chargebacks', 'gateway', 20),
       post(uid('bank'), 'chargeback_over', 'chargeback_loss', 'chargebacks', 5),
       post(uid('bank'), 'chargeback_fee', 'chargeback_fee', 'gateway', 3),
       post(uid('fell'), 'chargeback_fee', 'seller', 'chargeback_fee', 2),
       post(uid('fell'), 'chargeback_loss', 'chargeback_loss', 'chargebacks', 15),
       post(uid('late'), 'chargeback_late', 'gateway', 'chargeback_loss', 2),
       post(uid('kept'), 'recall', 'seller', 'escrow', 5),
       post(uid('again'), 'chargeback', 'chargebacks', 'gateway', 5);
"""
