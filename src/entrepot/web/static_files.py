"""Files beside the pages, and the products' pictures. Both are read by everyone and kept by browsers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entrepot.kit.http import problem_response
from entrepot.kit.problem import NotFound
from entrepot.web.pictures import picture
from entrepot.web.render import ASSETS, FOLDER

KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
A_WEEK = "public, max-age=604800"
NAME_MAX = 1_000

_FILES = {address: (FOLDER / "static" / name).read_bytes() for name, address in ASSETS.items()}


async def asset(request: Request) -> Response:
    """A file at its own address, which changes with its content."""
    path = request.url.path
    content = _FILES.get(path)
    if content is None:
        return problem_response(NotFound())
    return Response(content, headers={"cache-control": FOREVER}, media_type=KINDS[path[path.rindex(".") :]])


async def product_picture(request: Request) -> Response:
    """The picture of a product, drawn from the words of its slug: no row is read for it. Of a bundle, from the slugs of
    what is in it, with + between."""
    name, _, kind = request.path_params["name"].rpartition(".")
    if kind != "svg":
        return problem_response(NotFound())
    drawn = picture(name[:NAME_MAX])
    return Response(drawn, headers={"cache-control": A_WEEK}, media_type="image/svg+xml")


routes = [
    Route("/static/{version}/{name}", asset, methods=["GET"]),
    Route("/img/{name}", product_picture, methods=["GET"]),
]
