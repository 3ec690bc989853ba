"""Carts' SQL."""

from __future__ import annotations

from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class CartRow(msgspec.Struct, frozen=True):
    id: UUID
    market: str
    currency: str
    address_id: UUID | None
    shipping_code: str | None
    promotion_code: str | None
    slot_id: int | None


class CartLineRow(msgspec.Struct, frozen=True):
    offer_id: int
    quantity: int
    offer_cell: int


CREATE_CART = sql("""
    insert into orders.cart (cell, id, buyer_id, market, updated_at) values (:cell, :id, :buyer_id, :market, :now)
""")
CART = sql(
    """
    select c.id, c.market, m.currency, c.address_id, c.shipping_code, c.promotion_code, c.slot_id
      from orders.cart c
      join sellers.market m on m.code = c.market
     where c.cell = :cell and c.id = :id and c.buyer_id = :buyer_id
    """,
    CartRow,
)
LATEST_CART = sql(
    """
    select id from orders.cart where cell = :cell and buyer_id = :buyer_id and market = :market
     order by updated_at desc limit 1
    """,
    UUID,
)
# Two who find no cart of a buyer's make one, the second after the first's commit.
LOCK_FIRST_CART = sql(
    "select pg_advisory_xact_lock(hashtextextended(:buyer_id::uuid || ' ' || :market::text, :cell)) is null", bool
)
CART_LINES = sql(
    """
    select offer_id, quantity, coalesce(offer_cell, :cell) from orders.cart_line
     where cell = :cell and cart_id = :cart_id order by offer_id limit :limit
    """,
    CartLineRow,
)
# The cart's own row is locked, so that its limit on lines holds.
LOCK_CART = sql(
    """
    update orders.cart set updated_at = :now where cell = :cell and id = :id and buyer_id = :buyer_id returning market
    """,
    str,
)
ADD_CART_LINE = sql(
    """
    insert into orders.cart_line as l (cell, cart_id, offer_id, quantity, offer_cell)
    select :cell, :cart_id, :offer_id, :quantity, :offer_cell
     where (select count(*) from orders.cart_line where cell = :cell and cart_id = :cart_id) < :limit
        or exists (select from orders.cart_line where cell = :cell and cart_id = :cart_id and offer_id = :offer_id)
    on conflict (cell, cart_id, offer_id) do update set quantity = l.quantity + excluded.quantity
    returning quantity
    """,
    int,
)
# Ids begin with their time: only carts that were made before are looked at. One that is touched meanwhile stays.
FORGET_CARTS = sql("""
    delete from orders.cart c
     where c.cell = :cell and c.updated_at < :before
       and c.id in (select id from orders.cart
                     where cell = :cell and id < :made_before and updated_at < :before order by id limit :limit)
""")
SET_CART_LINE = sql(
    """
    update orders.cart_line set quantity = :quantity
     where cell = :cell and cart_id = :cart_id and offer_id = :offer_id
    returning quantity
    """,
    int,
)
REMOVE_CART_LINE = sql(
    """
    delete from orders.cart_line where cell = :cell and cart_id = :cart_id and offer_id = :offer_id returning offer_id
    """,
    int,
)
SET_CART_ADDRESS = sql("""
    update orders.cart set address_id = :address_id where cell = :cell and id = :id
""")
SET_CART_SHIPPING = sql("""
    update orders.cart set shipping_code = :shipping_code, slot_id = :slot_id where cell = :cell and id = :id
""")
SET_CART_PROMOTION = sql("""
    update orders.cart set promotion_code = :promotion_code where cell = :cell and id = :id
""")
CART_SIZE = sql(
    """
    select count(*) from orders.cart_line
     where cell = :cell and cart_id = (select id from orders.cart
                                        where cell = :cell and buyer_id = :buyer_id and market = :market
                                        order by updated_at desc limit 1)
    """,
    int,
)
EMPTY_CARTS = sql("""
    delete from orders.cart c using orders.quote q
     where q.cell = :cell and q.id = any (:quotes::uuid[]) and c.cell = q.cell and c.id = q.cart_id
       and c.buyer_id = q.buyer_id and c.updated_at <= q.created_at
""")
MARKET_OF_QUOTE = sql("select market from orders.quote where cell = :cell and id = :id", str)
