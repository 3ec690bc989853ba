"""The page of translations that somebody is to read: what machines have said, and what is older than its original."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import catalog
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import END
from entrepot.web.visit import Go, Visit, form, page


class ReadText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A translation as it is to be, of what the product said when its reader read it (`of`)."""

    product_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    language: Annotated[str, Meta(pattern=f"^[a-z]{{2,3}}{END}")]
    of: Annotated[str, Meta(pattern=f"^[0-9a-f]{{32}}{END}")]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    description: Annotated[str, Meta(max_length=10_000)] = ""


async def texts_page(tx: ReadTx, visit: Visit) -> Response:
    after = visit.query_number("after"), visit.query("language", 3)
    found = await catalog.to_review(tx, visit.me.cell, visit.me.seller_id, after)
    last = found[-1] if len(found) == catalog.REVIEW_PAGE else None
    return await visit.show(
        tx, "texts.html", found=found, last=last, here=_here(visit), names=visit.language.locale.languages
    )


async def read_text(tx: Tx, visit: Visit, body: ReadText) -> Go:
    """Accepts what is shown or says it better: either way it is what its reader says from now on."""
    await catalog.translate(
        tx, body.product_id, body.language, body.title, body.description, visit.me.cell, visit.me.seller_id, body.of
    )
    return Go(_here(visit), done="text_read")


def _here(visit: Visit) -> str:
    return "/operator/texts" if visit.me.role is Role.OPERATOR else "/seller/texts"


routes = [
    page("/seller/texts", texts_page, SELLER),
    form("/seller/texts", read_text, ReadText, SELLER, again=texts_page),
    page("/operator/texts", texts_page, OPERATOR),
    form("/operator/texts", read_text, ReadText, OPERATOR, again=texts_page),
]
