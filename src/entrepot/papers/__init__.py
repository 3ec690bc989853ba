"""The papers of a parcel that crosses a border: commercial invoice, packing list, customs declaration of the post
(CN 22 or CN 23), statement on origin, and the data of a declaration at import such as the EU's H7.

`make` is pure: what is known of a parcel in, all of its papers out, as one structure. `pdf` sets that very structure,
so that no figure on paper is another than in the data.

Invariants:
  every paper has the same lines; goods and weights are the sums of the lines, the invoice is goods plus transport.

It keeps nothing and emits no events.
"""

from entrepot.papers.printing import pdf
from entrepot.papers.rules import SDR_BASKETS, in_latin, make
from entrepot.papers.types import Line, Papers, Party, Sent, Statement

__all__ = ["SDR_BASKETS", "Line", "Papers", "Party", "Sent", "Statement", "in_latin", "make", "pdf"]
