"""What is said, what it is counted as, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from entrepot.kit.problem import Problem

TEXT_MAX = 2_000
ANSWER_MAX = 1_000
Stars = Annotated[int, Meta(ge=1, le=5)]
Reason = Literal["insult", "advertising", "personal_data", "not_about_it", "other"]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`stars` are for the product, `seller_stars` for the seller. Texts are plain and have no links."""

    stars: Stars
    text: Annotated[str, Meta(max_length=TEXT_MAX)] = ""
    seller_stars: Stars | None = None


class Rating(msgspec.Struct, frozen=True):
    """How many gave one star, two, ... five."""

    n1: int = 0
    n2: int = 0
    n3: int = 0
    n4: int = 0
    n5: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        return self.n1, self.n2, self.n3, self.n4, self.n5

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def tenths(self) -> int:
        """The mean in tenths of a star, rounded half up; 0 where nobody has said anything."""
        stars = sum(star * n for star, n in enumerate(self.counts, 1))
        return (20 * stars + self.count) // (2 * self.count) if self.count else 0


@dataclass(eq=False)
class NotDelivered(Problem):
    """Only what was delivered to you can be reviewed."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ReviewClosed(Problem):
    """It is too late to say or change this."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class LinksNotTaken(Problem):
    """A review and its answer have no links and no e-mail addresses."""

    status: ClassVar[int] = 400
