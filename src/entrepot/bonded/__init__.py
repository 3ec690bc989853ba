"""Bonded: goods that lie in a country and are not imported yet, and the account books that customs knows them by.

A location is a bonded warehouse once the operator has opened a book for it. Goods come into it by an inbound
declaration (`receive`), each variant as one item of the book, with its unit; they leave it when customs has let them
out, per order (`ask`, `let_out`), and what comes back may be in bond again (`put_back`). The book is another count of
the goods, kept in the same transactions.

Invariants (the auditor re-derives them):
  an item's quantity is the sum of its entries: received - released - written off, never below what customs is asked
  to let out; it is what lies on the shelves, less what is let out and not sent yet;
  nothing is sent out of bond that was not let out; a release is let out once, and comes back once.
"""

from entrepot.bonded.actions import (
    ask,
    items_of,
    let_out,
    open_book,
    put_back,
    receive,
    require_released,
    say_item,
    take_back,
    write_off,
)
from entrepot.bonded.reads import PAGE, book_items, items_of_all, warehouses
from entrepot.bonded.types import (
    NOT_SENT,
    BookItem,
    BookShort,
    Incoming,
    NewItem,
    NotBackIntoBond,
    NotReleased,
    ParcelDeclaredIs,
)

__all__ = [
    "NOT_SENT", "PAGE", "BookItem", "BookShort", "Incoming", "NewItem", "NotBackIntoBond", "NotReleased",
    "ParcelDeclaredIs", "ask", "book_items", "items_of", "items_of_all", "let_out", "open_book", "put_back", "receive",
    "require_released", "say_item", "take_back", "warehouses", "write_off",
]  # fmt: skip
