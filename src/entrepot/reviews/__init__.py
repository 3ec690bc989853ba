"""Reviews: what buyers say of what they have got, and of who sold it.

A review is of one line of an order that was delivered, one for each, by its buyer: 1 to 5 stars for the product, 1 to 5
for the seller if the buyer likes, and a text without links. It can be changed for EDIT_FOR. The seller has one public
answer. Anybody who has signed in may report it; the operator hides it or shows it again.

Who had the goods may speak: what was refunded or sent back later can be reviewed, so that nobody buys a silence with a
refund; what was canceled before it was sent cannot.

Ratings are counts by stars. Writing a review touches no row that others write; a timer counts what is new, set-based,
and marks what it has counted in the same transaction.

Invariants (the auditor re-derives them): the counts of a product and of a seller are those of the reviews marked as
counted; a review is of a line that its buyer was sent.

Events: review_written, review_changed, review_answered, review_hidden, review_shown (key: the review; data: order_id,
seller_id), review_reported (key: the review; data: user_id).
"""

from entrepot.reviews.actions import answer, count, report, set_hidden, write
from entrepot.reviews.reads import (
    PAGE,
    Mine,
    Ratings,
    ReportedView,
    ReviewView,
    hidden_why,
    of_order,
    of_product,
    of_seller,
    rating_of_seller,
    ratings,
    reported,
)
from entrepot.reviews.types import Rating, Reason, Said

__all__ = [
    "PAGE", "Mine", "Rating", "Ratings", "Reason", "ReportedView", "ReviewView", "Said", "answer", "count",
    "hidden_why", "of_order", "of_product", "of_seller", "rating_of_seller", "ratings", "report", "reported",
    "set_hidden", "write",
]  # fmt: skip
