"""What locks, and which race takes it. The locks are found, in the program's queries and in the functions of the
database, so that none is forgotten; that a race takes those that are listed for it is seen when it runs (conftest)."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from pathlib import Path

import entrepot
from entrepot import migrations
from entrepot.kit.sql import Query

LOCKS = re.compile(r"for (?:no key )?update|advisory_\w*lock|on conflict|update \w+\.\w+|delete from \w+\.\w+")
"""Rows are locked to be changed, keys are waited for by whoever inserts them too."""
_FUNCTION = re.compile(r"create function (\w+\.\w+)\s*\(.*?\$\$(.*?)\$\$", re.DOTALL)

RACED = {
    "test_approvals.test_a_day_s_limit_is_spent_once": "approvals.LOCK_LIMITS approvals.SET_LIMIT",
    "test_approvals.test_a_request_is_done_once_or_never": "approvals.DECIDE approvals.LOCK",
    "test_bonded.test_customs_answers_while_the_order_is_canceled": (
        "bonded.LOCK_ITEMS bonded.MOVE_ON bonded.PROMISE bonded.enter_many customs.CHANGE customs.CLAIM "
        "customs.LATEST customs.LOCK_ORDER"
    ),
    "test_bonded.test_a_location_is_bonded_or_goods_come_in": (
        "bonded.OPEN_BOOK logistics.LOCK_LOCATION logistics.SET_BONDED"
    ),
    "test_campaigns.test_a_buyer_s_limit_holds_at_once": "pricing.open_quotas",
    "test_campaigns.test_a_campaign_and_an_ordinary_sale_want_the_last_unit": (
        "catalog.ADD_OFFER catalog.list_many inventory.OPEN_ASIDE"
    ),
    "test_campaigns.test_one_key_at_once_buys_once": "orders.DROP_QUOTES",
    "test_campaigns.test_the_last_unit_is_bought_or_goes_back": (
        "campaigns.DUE campaigns.END campaigns.LOCK campaigns.SETTLED"
    ),
    "test_channels.test_the_last_channel_is_opened_once": "channels.ADD channels.LOCK_SELLER",
    "test_channels.test_the_last_unit_is_sold_here_or_there_and_a_sale_ends_once": (
        "channels.ADD_SALE channels.LOCK_NUMBER channels.LOCK_SALE channels.MOVE_ON"
    ),
    "test_chargebacks.test_the_bank_takes_what_is_released_or_given_back": (
        "chargebacks.CASE_TAKEN chargebacks.LOCK_CASE chargebacks.LOCK_DUE chargebacks.OPEN_CASE "
        "chargebacks.SHARE_TAKEN payments.LOCK_ROOM payments.TAKE"
    ),
    "test_chargebacks.test_the_bank_takes_over_what_is_disputed_here": (
        "chargebacks.CASE_CLOSED chargebacks.DECIDED chargebacks.LOCK_SHARES chargebacks.SHARE_ENDED "
        "disputes.LOCK_OPEN payments.RETURN payments.SET_TAKEN"
    ),
    "test_chargebacks.test_what_a_bank_has_is_covered_once": "payments.COVER",
    "test_chargebacks.test_a_chargeback_is_heard_and_told_once": (
        "payments.ANSWER payments.CLAIM payments.COVERED payments.HEAR payments.HEAR_OF_LISTED payments.LIST_NOW "
        "payments.OVER payments.REFUSED payments.TOLD"
    ),
    "test_credit.test_paid_collected_and_canceled_at_once": (
        "credit.CHANGE_INSTALLMENTS credit.CHANGE_PLAN credit.END_COLLECTIONS credit.GIVE credit.LOCK_DUE "
        "credit.LOCK_LINES_OF credit.LOCK_PLANS"
    ),
    "test_credit.test_two_purchases_at_once_do_not_pass_the_limit": "credit.LOCK_LINE credit.OPEN_LINE credit.TAKE",
    "test_exchange.test_the_last_ones_are_promised_and_sent_once": "disputes.END_PROMISE",
    "test_messages.test_a_message_is_sent_by_one": "notify.CLAIM notify.END",
    "test_messages.test_what_failed_is_sent_again_once": "notify.LOCK notify.RESEND",
    "test_webhooks.test_a_message_goes_out_once": (
        "webhooks.CLAIM webhooks.FAILED webhooks.NOTE webhooks.NOT_SENT webhooks.RECOVERED webhooks.SENT"
    ),
    "test_webhooks.test_it_is_turned_off_while_a_call_fails": "webhooks.GIVE_UP webhooks.LOCK webhooks.TURN_OFF",
    "test_webhooks.test_the_last_endpoint_is_added_once": "webhooks.LOCK_OWNER",
    "test_webhooks.test_what_was_sent_is_sent_again_once": "webhooks.RESEND",
    "test_metering.test_an_event_is_billed_once_while_its_month_is_billed": (
        "metering.ADD_EVENTS metering.DUE metering.MOVE_ON metering.OPEN_ACCOUNTS"
    ),
    "test_carts.test_two_first_clicks_fill_one_cart": "orders.ADD_CART_LINE orders.LOCK_CART orders.LOCK_FIRST_CART",
    "test_reviews.test_ratings_are_counted_once": (
        "reviews.ANSWER reviews.CLOSE_REPORTS reviews.COUNT reviews.LOCK reviews.REPORT reviews.SET_HIDDEN "
        "reviews.WRITE"
    ),
    "test_fraud.test_a_question_is_answered_once": "fraud.ANSWER fraud.CLAIM orders.LET_GO",
    "test_hands.test_a_canceled_payment_is_canceled_or_late": "payments.CANCEL payments.LOOK_NOW",
    "test_hands.test_a_line_of_a_cart_is_set_or_gone": "orders.REMOVE_CART_LINE orders.SET_CART_LINE",
    "test_hands.test_a_parcel_arrives_once": "logistics.INSERT_SCANS logistics.advance_many orders.DELIVERED",
    "test_hands.test_a_payment_is_asked_about_by_one": "payments.CLAIM_DUE",
    "test_hands.test_a_payment_is_given_up_once_or_captured": (
        "payments.GIVE_UP payments.KNOWN_AS payments.PENDING payments.WEBHOOK"
    ),
    "test_hands.test_a_transfer_to_stripe_is_claimed_by_one_and_ends_once": (
        "payments.CLAIM_TRANSFERS payments.TRANSFERRED"
    ),
    "test_hands.test_a_refused_refund_is_sent_again_or_credited": (
        "payments.CLAIM_REFUNDS payments.LOCK_REFUND payments.REFUNDED "
        "payments.CAME_BACK payments.RETRY_REFUND payments.RETURNED payments.RETURNED_TO_US"
    ),
    "test_hands.test_a_switch_is_off_once": "platform.END platform.END_DUE platform.LOCK",
    "test_hands.test_no_position_in_a_line_is_given_twice": "campaigns.SET_ADMISSION campaigns.TAKE_POSITIONS",
    "test_hands.test_own_goods_have_one_currency": "inventory.FIX_CURRENCY",
    "test_hands.test_terms_follow_each_other": "sellers.END_TERMS sellers.LOCK_MARKET",
    "test_hands.test_the_last_guess_is_made_once": "accounts.LOCK_TRIES",
    "test_hands.test_the_last_place_for_an_address_is_filled_once": "accounts.LOCK_USER",
    "test_hands.test_a_guest_becomes_one_account_or_is_forgotten": (
        "accounts.END_GUEST accounts.ERASE_GUEST accounts.ERASE_LINKS accounts.SET_GUEST_EMAIL"
    ),
    "test_hands.test_the_last_unit_is_sold_or_missing": "inventory.LOCK_OWN",
    "test_hands.test_what_is_paused_or_suspended_is_so_once": "catalog.SET_STATUS sellers.MOVE",
    "test_disputes.test_silence_ends_a_turn_once": "disputes.LOCK_DUE",
    "test_disputes.test_the_last_word_counts_once": "disputes.LOCK disputes.MOVE orders.END orders.LOCK_FROZEN",
    "test_hands.test_who_is_forgotten_keeps_no_address": (
        "accounts.ERASED accounts.ERASE_ADDRESSES accounts.ERASE_LOGIN accounts.ERASE_PERSON"
    ),
    "test_fees.test_a_deposit_is_taken_once_and_given_back_once": "fees.DUE fees.LOCK_SHOP",
    "test_fees.test_numbers_have_no_gap": "invoices.LOCK_SERIES invoices.OPEN_SERIES invoices.SET_LAST",
    "test_fees.test_of_two_rules_the_second_sees_the_first": "fees.HOLD_RULES",
    "test_holds.test_a_hold_is_settled_or_voided": "ledger.carry_out ledger.judge_many",
    "test_holds.test_nothing_is_dated_into_a_day_that_was_closed_meanwhile": "ledger.close_days ledger.take_day",
    "test_holds.test_what_has_expired_is_freed_once": "ledger.expire_many",
    "test_lives.test_a_file_is_made_once_and_its_statement_counts_once": "payments.LOCK_TOLD",
    "test_lives.test_a_payment_is_recorded_or_its_group_expires": (
        "orders.DUE_FOR_EXPIRY orders.GROUP_STATUS orders.LOCK_GROUPS orders.ORDERS_OF_GROUPS orders.PAID "
        "payments.CAPTURED payments.RETURN_LATE"
    ),
    "test_lives.test_a_period_is_paid_out_once_and_nothing_gets_lost": "payments.OPEN_RUN",
    "test_lives.test_an_order_is_canceled_or_shipped": (
        "logistics.CLOSE_REQUESTS logistics.request_many orders.LOCK_ORDERS orders.TO_REQUEST "
        "orders.SHIPPED payments.ADD_REFUNDED"
    ),
    "test_lives.test_an_order_is_released_once": "orders.ENDED",
    "test_lives.test_one_stock_row_is_opened_once": "inventory.OPEN",
    "test_lives.test_the_banks_answer_counts_once": (
        "payments.END_PAYOUTS payments.LOCK_DELIVERED payments.LOCK_PAYOUT"
    ),
    "test_lives.test_the_buyer_and_the_timer_confirm_once": "orders.DUE_FOR_RELEASE",
    "test_lives.test_two_of_one_consumer_see_each_event_once": "kit._CURSOR kit._MOVE kit._OPEN kit.news",
    "test_modes.test_what_a_person_may_bring_in_is_taken_once": "pricing.return_quota",
    "test_placing.test_a_price_is_changed_before_or_after_the_sale": "catalog.SET_PRICES",
    "test_placing.test_a_price_of_its_own_is_followed_by_nobodys": (
        "catalog.FOLLOW catalog.LOOK_AGAIN catalog.PRICED catalog.TO_LOOK_AT"
    ),
    "test_placing.test_one_key_at_once_is_one_command": "orders.place_many",
    "test_placing.test_one_quote_under_two_keys_is_placed_once": "orders.claim_groups",
    "test_placing.test_one_top_up_counts_once": "ledger.open_many",
    "test_placing.test_orders_of_one_purchase_canceled_at_once_give_its_promotion_back_once": (
        "pricing.give_back_quotas"
    ),
    "test_placing.test_the_last_of_a_wallet_is_spent_once": "ledger.change_many ledger.lock_many",
    "test_parts.test_parts_that_end_at_once_leave_nothing_exchanged": "orders.LOCK_EXCHANGES orders.SET_NET",
    "test_placing.test_the_last_unit_is_sold_once": "inventory.lock_many inventory.move_many",
    "test_placing.test_the_last_use_of_a_promotion_is_used_once": "pricing.lock_quotas pricing.use_quotas",
    "test_selling.test_a_hold_is_decided_once": "orders.DECIDE",
    "test_selling.test_an_order_is_held_or_sent": "orders.HOLD",
    "test_selling.test_a_quote_has_seen_what_is_new_or_is_ended": (
        "orders.END_QUOTES trade.FORGET_RULES trade.HOLD_RULES trade.LOCK_RULES trade.SET_ITEM"
    ),
    "test_selling.test_of_two_who_say_what_lies_in_a_category_the_last_has_said_it": (
        "trade.ADD_CATEGORY_TRAITS trade.FORGET_CATEGORY_TRAITS"
    ),
    "test_slots.test_the_last_place_is_moved_and_taken_once_or_closed": (
        "pricing.LOCK_PLACES pricing.LOCK_SLOT pricing.SET_CLOSED pricing.SET_PLACES pricing.SET_SLOT"
    ),
    "test_slots.test_of_two_who_add_a_run_one_adds_it": "pricing.ADD_SLOTS pricing.LOCK_SERVICE pricing.SET_SLOTTED",
    "test_spanning.test_baskets_over_the_same_cells_from_any_home_never_deadlock": "orders.DROP_GROUPS",
    "test_spanning.test_one_key_and_one_quote_at_once_are_one_purchase": "orders.CLAIM_KEYS orders.DROP_KEYS",
    "test_spanning.test_orders_of_two_cells_canceled_at_once_give_the_promotion_back_once": "payments.LOCK",
}  # fmt: skip
"""The locks that these races are about."""
EXCEPTED = {
    "a key decides who makes a row, and the other is told that it is there": (
        "accounts.ADD_LOGIN accounts.ADD_USERS catalog.ADD_CATEGORY catalog.ADD_VARIANTS catalog.IMPORT_CATEGORIES "
        "catalog.IMPORT_OFFERS catalog.IMPORT_PRODUCTS catalog.IMPORT_VARIANTS fraud.ADD_RULE fraud.ASK "
        "logistics.ADD_LOCATION "
        "logistics.IMPORT_LOCATIONS trade.CLAIM_PERSON fees.ADD_ENTITY fees.ADD_TERMS fees.OPEN_SHOP "
        "metering.ADD_METER metering.ADD_RATE "
        "fees.SET_BILLING customs.FILE customs.RECORD bonded.RECEIVE payments.ADD_TERMS "
        "pricing.ADD_PROMOTION pricing.ADD_SERVICE "
        "sellers.ADD_MARKET "
        "sellers.OPEN exchange.ADD_EXCHANGE_TERMS credit.ADD_PLAN_TERMS credit.ADD_TERMS statements.ADD_ZONE"
    ),
    "what goes is of no use any more, or was nobody else's": (
        "accounts.FORGET_ADDRESSES accounts.FORGET_GUESTS accounts.FORGET_TRIES accounts.FORGIVE "
        "approvals.DROP_LIMIT disputes.FORGET "
        "reviews.FORGET customs.FORGET customs.FORGET_SAID kit._FORGET orders.DROP_OLD_QUOTES orders.EMPTY_CARTS "
        "orders.FORGET orders.FORGET_CARTS "
        "payments.FORGET_WEBHOOKS"
    ),
    "a command of the operator, under the lock of the cells or of a cell that moves": (
        "cells._SET_OPEN kit.renumber_events pricing.GIVE_UP"
    ),
    "a row of the same transaction, which nobody else sees": "orders.ADD_FEE orders.CHARGE orders.USE_QUOTAS "
    "orders.WITHHOLD",
    "under the lock of the batch it is of": "payments.PUT_OFF",
    "imports take turns": "reconciliation.CLEAR reconciliation.LOCK reconciliation.RAISE",
    "one person after the other, and the second is told": "fees.END_RULE fees.LOCK_RULE customs.PAY "
        "customs.DECIDE customs.LINE customs.LOCK_INVOICE "
        "reconciliation.RESOLVE",
    "under the lock of its shop": "fees.CLOSE_SHOP fees.MOVE_DUE fees.SET_DEPOSIT",
    "each worker once, and the second finds it done": "fees.ADD_VOLUMES fees.COUNT invoices.ISSUED",
    "under the lock of its order, or of its dispute": (
        "customs.LOCK_ORDERS customs.SAY orders.CHARGE_BACK orders.DUTIES_OF_PART orders.LINE_COSTS orders.RESTOCKED"
    ),
    "under the lock of its seller": "sellers.REINSTATED",
    "under the lock of their user": "accounts.MAKE_DEFAULT accounts.NO_DEFAULT accounts.REMOVE_ADDRESS",
    "under the lock of its cart": "orders.SET_CART_ADDRESS orders.SET_CART_PROMOTION orders.SET_CART_SHIPPING",
    "of a command, and the last one counts or another is refused": (
        "accounts.END_SESSIONS accounts.KEEP_LINK accounts.PROVE bonded.MAP bonded.MAPPED bonded.MOVED bonded.SAY_ITEM "
        "channels.CHANGE channels.FORGET_BUFFER channels.SET_BUFFER "
        "fraud.END_RULE kit._PUT logistics.SET_ADDRESS orders.SAY orders.GIVE_AGE "
        "trade.ADD_TRAITS trade.FORGET_TRAITS "
        "catalog.REVIEWED catalog.SAY_BY_MACHINE "
        "trade.REGISTER trade.SET_ESTABLISHED trade.FORGET_PARTIES catalog.SET_TEXT catalog.TRANSLATE trade.GRANT "
        "trade.WITHDRAW trade.FORGET_SAMPLE trade.SAY_CONTACT trade.FORGET_CONTACT "
        "trade.LOCK trade.SET_SOURCE trade.ADD_EURO_RATES "
        "sellers.SETTLE_IN sellers.SET_CALENDAR sellers.SET_PAYMENTS sellers.CLEAR_DAYS_OFF "
        "world._ADD_LAW world._BEGUN world._SAVE"
    ),
    "a message's id, or a day, decides who makes it": "notify.ADD notify.DIGEST",
    "of messages that are ended, or of nobody any more": (
        "webhooks.FORGET_OLD notify.FORGET_OLD notify.FORGET_PREFERENCES notify.FORGET_USERS"
    ),
    "by who has claimed the message, while it is due": "notify.AGAIN notify.LATER",
    "under the lock of its endpoint": "webhooks.CHANGE webhooks.REMOVE webhooks.ROTATE webhooks.TURN_ON webhooks.WAKE",
    "it only puts off what cannot be sent yet, and may be done twice": "webhooks.DEFER",
    "what a user wants, and the last word counts": "notify.MUTE notify.PREFER notify.SET_LANGUAGE",
}  # fmt: skip
"""No race, and why."""


@functools.cache
def queries() -> dict[str, str]:
    """Every query of the program that locks, as `room.NAME`."""
    found = {}
    for module in pkgutil.walk_packages(entrepot.__path__, "entrepot."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Query) and LOCKS.search(value.text):
                found[f"{module.name.split('.')[1]}.{name}"] = value.text
    return found


@functools.cache
def functions() -> dict[str, str]:
    """Every function of the database, by its text."""
    folder = Path(migrations.__file__ or "").parent
    return dict(match for path in folder.glob("*.sql") for match in _FUNCTION.findall(path.read_text()))


def reached(statements: set[str]) -> set[str]:
    """The functions that these statements call, and those that they call."""
    bodies, found, texts = functions(), set[str](), list(statements)
    while texts:
        for name in re.findall(r"\b(\w+\.\w+)\s*\(", texts.pop()):
            if name in bodies and name not in found:
                found.add(name)
                texts.append(bodies[name])
    return found
