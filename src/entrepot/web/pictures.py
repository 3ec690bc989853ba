"""A picture for every product, drawn from the words of its slug: the same words always give the same picture.

Photos belong to whoever made them; these belong to nobody. A glyph says what kind of thing it is, the colors and the
pattern behind it tell one thing from another. Only presentation attributes: the pages' policy forbids inline styles.
"""

from __future__ import annotations

import hashlib
import re

from entrepot.web.render import FOLDER

# Background, pattern, then the glyph's dark, middle and light tone.
PALETTES = (
    ("#e6eef0", "#d6e3e6", "#17424d", "#3d8492", "#f4faf9"),
    ("#f6e9df", "#efdccd", "#6b2f1a", "#d0764a", "#fff7f0"),
    ("#e9eddd", "#dde4ca", "#35491f", "#7f9a45", "#fafcf0"),
    ("#f3e6ea", "#ead5dc", "#5d2338", "#b9577a", "#fff5f8"),
    ("#e7e8f4", "#d8daec", "#272c5e", "#666fc0", "#f7f8ff"),
    ("#f7efd6", "#efe3bd", "#5c430b", "#cf9f2b", "#fffbee"),
    ("#e2efe8", "#d1e4da", "#14452f", "#3f9069", "#f3fcf7"),
    ("#eee8e2", "#e2d9d0", "#43352a", "#94785f", "#fdfaf6"),
)
PATTERNS = (
    "M0 12h24M12 0v24",
    "M0 24 24 0M-4 4l8-8M20 28l8-8",
    "M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z",
    "M0 6q6-6 12 0t12 0M0 18q6-6 12 0t12 0",
    "M6 0v6M0 6h12M18 12v12M12 18h12",
)

DRAWN_IN = ("#17424d", "#3d8492", "#f4faf9")
"""The dark, middle and light tone of the files in glyphs/; a picture puts its own in their place."""


def _glyphs() -> dict[str, str]:
    """What is inside the <svg> of each file."""
    files = (FOLDER / "glyphs").glob("*.svg")
    return {file.stem: file.read_text("utf-8").partition(">")[2].rpartition("</svg>")[0].strip() for file in files}


def _words() -> list[tuple[str, frozenset[str]]]:
    """The kinds and the words that tell them, in the order of the file."""
    text = re.sub(r"^#.*\n|\n +", " ", (FOLDER / "glyphs" / "words.txt").read_text("utf-8"), flags=re.MULTILINE)
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return [(kind.strip(), frozenset(told.split())) for kind, _, told in lines]


GLYPHS = _glyphs()
WORDS = _words()


PLACES = {
    1: ((120, 130, 1.0),),
    2: ((78, 112, 0.66), (162, 148, 0.66)),
    3: ((78, 88, 0.58), (166, 96, 0.58), (118, 168, 0.58)),
    4: ((76, 84, 0.52), (166, 84, 0.52), (76, 172, 0.52), (166, 172, 0.52)),
}
"""Where each of so many things stands, and how large."""


def picture(name: str) -> str:
    """An SVG document, about 1.5 kB for each thing in it: `name` is a slug, or up to four with + between."""
    mark = hashlib.blake2b(name.encode(), digest_size=4).digest()
    back, faint, dark, middle, light = PALETTES[mark[0] % len(PALETTES)]
    pattern = PATTERNS[mark[1] % len(PATTERNS)]
    turn = mark[2] % 13 - 6
    slugs = name.split("+")[: max(PLACES)]
    things = "".join(_thing(slug, *place, turn) for slug, place in zip(slugs, PLACES[len(slugs)], strict=True))
    for drawn, color in zip(DRAWN_IN, (dark, middle, light), strict=True):
        things = things.replace(drawn, color)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" width="240" height="240">'
        '<defs><pattern id="p" width="24" height="24" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({turn * 5})">'
        f'<path d="{pattern}" fill="none" stroke="{faint}" stroke-width="2"/></pattern></defs>'
        f'<rect width="240" height="240" fill="{back}"/><rect width="240" height="240" fill="url(#p)"/>'
        f"{things}</svg>"
    )


def _thing(slug: str, x: int, y: int, scale: float, turn: int) -> str:
    """A glyph and its shadow, as drawn, its middle at (x, y)."""
    return (
        f'<g transform="translate({x} {y}) scale({scale}) translate(-120 -130)">'
        f'<ellipse cx="120" cy="194" rx="62" ry="9" fill="{DRAWN_IN[0]}" opacity=".16"/>'
        f'<g transform="rotate({turn} 120 130)">{GLYPHS[_kind(slug)]}</g></g>'
    )


def _kind(slug: str) -> str:
    """The first kind that one of the slug's words, or its singular, tells."""
    words = set(re.findall(r"[a-z]+", slug))
    words |= {word.removesuffix("s") for word in words}
    return next((kind for kind, told in WORDS if not told.isdisjoint(words)), "parcel")
