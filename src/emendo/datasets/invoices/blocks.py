"""Heads of invoices as blocks: who sells, who buys, facts and others, in columns and forms that are drawn by chance.

`heads` sets the usual letters; here the parts stand in any order and place, with any kind of heading, so that a reader
must go by words and neighbours, not by a few ways to lay out a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .coined import coined_name
from .extras import DATED, FORM, SHIP, company_line, reference, salutation, sentence
from .facts import FORMS, SHADE, Fact, Looks, drawn_facts, next_page
from .firms import brand, in_lines, person
from .heads import CLIENT, FACTS, VENDOR, draw_logo
from .style import Setting

Rng = np.random.Generator


def set_blocks(page: Setting) -> None:
    """Everything above the table; the text goes on below it."""
    rng = page.rng
    looks = _looks(page)
    shape = str(rng.choice(["block", "line", "name", "foot"], p=[0.5, 0.2, 0.2, 0.1]))
    facts = drawn_facts(page)
    title = str(rng.choice(["top", "beside", "between", "below"]))
    if rng.random() < 0.2:
        page.write(page.left, sentence(rng, page.content.place, page.writing)[:60], size=0.75)
        page.y += page.step * 1.4
    if page.style.logo:
        left = rng.random() >= 0.5
        draw_logo(page, page.left if left else page.right - 45, page.y - 8, 38)
        page.y += 40.0 if left else float(rng.choice([0.0, 40.0]))
    if rng.random() < 0.12:
        page.write(page.left + 45, brand(page.document.seller or "", rng), size=float(rng.uniform(1.2, 2.4)))
        page.y += page.step * 2
    page.y += page.style.size
    if title == "top":
        facts = _title(page, facts)
    if shape != "block":
        _letterhead(page, looks, shape)
    waiting = _blocks(page, looks, facts, shape, titled=title == "beside")
    half = len(waiting) // 2 if title == "between" else len(waiting)
    _grid(page, waiting[:half])
    if title in ("between", "below"):
        facts = _title(page, facts)
    _grid(page, waiting[half:])
    if looks.facts in ("strip", "lines", "sentence", "pairs"):
        FORMS[looks.facts](page, looks, facts, page.left, page.right - page.left)
    page.y += page.step * float(rng.uniform(0.6, 2.0))


def _looks(page: Setting) -> Looks:
    rng = page.rng
    return Looks(
        heading=str(rng.choice(["none", "bold", "band", "small", "line", "colon"])),
        facts=str(rng.choice(["strip", "lines", "sentence", "pairs", "block", "block", "above", "two"])),
        gap=float(rng.choice([1.0, 1.0, 1.15, 1.5])),
        bold_labels=bool(rng.random() < 0.4),
        filled=bool(rng.random() < 0.2),
        named=bool(rng.random() < 0.55),
        label=str(rng.choice(["", "", "name", "column"])),
        joined=str(rng.choice(["", "", "", ", ", " - ", " | "])),
    )


def _title(page: Setting, facts: list[Fact]) -> list[Fact]:
    """The title in a line of its own, at times with number and day; the facts that are left."""
    rng, size = page.rng, float(page.rng.uniform(1.1, 2.4))
    bold = bool(rng.random() < 0.75)
    page.y += page.style.size * size
    next_page(page)
    parts: list[tuple[str, str]] = [(page.term(page.document.type or "invoice"), "")]
    if rng.random() < 0.12:
        parts.append((f"({rng.choice(['380', '381', '326', '384', '389'])})", ""))
    if facts and facts[0][0] == "number" and rng.random() < 0.5:
        if rng.random() < 0.6:
            parts.append((str(rng.choice(["No.", "Nr.", "N°", "n°", "#", "Nº", "n.", "-", ":", "Number"])), ""))
        parts.append((facts[0][2], "number"))
        facts = facts[1:]
        if facts and facts[0][0] == "date" and rng.random() < 0.6:
            parts.append((str(rng.choice([*DATED[page.content.place.language], "-", "/", ","])), ""))
            parts.append((facts[0][2], "date"))
            facts = facts[1:]
    whole = " ".join(text for text, _ in parts)
    size = page.shrunk(whole, page.right - page.left, bold=bold, size=size)
    wide = page.width(whole, bold=bold, size=size)
    x = page.left + float(rng.choice([0.0, 0.0, 0.5, 1.0])) * (page.right - page.left - wide)
    for text, meaning in parts:
        x = page.write(x, text, bold=bold, size=size, meaning=meaning, region=FACTS if meaning else "")
        x += page.width(" ", bold=bold, size=size)
    page.y += page.step * 1.6
    return facts


def _letterhead(page: Setting, looks: Looks, shape: str) -> None:
    """The seller above all else: in one line, by name and in a line, or by name alone and the rest at the foot."""
    document, rng = page.document, page.rng
    name, lines = document.seller or "", (document.seller_address or "").splitlines()
    room = page.right - page.left
    if shape != "line" or rng.random() < 0.4:
        size = page.shrunk(name, 0.8 * room, bold=True, size=float(rng.uniform(1.2, 2.2)))
        page.y += size * page.style.size * 0.6
        for line in in_lines(name, rng, 0.12):
            page.write(page.left, line, bold=True, size=size, colour=page.style.accent, meaning="seller", region=VENDOR)
            page.y += page.step * max(1.3, size)
    joint = str(rng.choice([" - ", " · ", ", ", " | ", " – "]))
    parts = [(name, "seller")] if shape == "line" else []
    parts += [(line, "seller_address") for line in lines]
    if rng.random() < 0.4:
        parts.append((page.content.phone, ""))
    if rng.random() < 0.3:
        parts.append((company_line(rng, page.content.place), ""))
    here = page.y
    if shape == "foot":
        page.y = page.sheet.height - page.style.margin - page.step * 0.2
    _joined(page, parts, joint, room)
    if document.seller_tax_id:
        page.y += page.step * (-0.9 if shape == "foot" else 0.9)
        size = 0.8
        end = page.write(page.left, f"{page.term('seller_tax_id')}{page.style.colon}", size=size, region=VENDOR)
        page.write(end + 3, document.seller_tax_id, size=size, meaning="seller_tax_id", region=VENDOR)
    page.y = here if shape == "foot" else page.y + page.step * 1.6


def _joined(page: Setting, parts: Sequence[tuple[str, str]], joint: str, room: float) -> None:
    """Texts with their meanings in one line."""
    size = page.shrunk(joint.join(text for text, _ in parts), room, size=0.85)
    x = page.left
    for at, (text, meaning) in enumerate(parts):
        if at:
            x = page.write(x, joint, size=size, region=VENDOR)
        x = page.write(x, text, size=size, meaning=meaning, region=VENDOR)


Block = Callable[[float, float], None]
"""Draws at the present height between an edge and so much room, and leaves the height below it."""


def _blocks(page: Setting, looks: Looks, facts: list[Fact], shape: str, *, titled: bool) -> list[Block | None]:
    """The blocks in the order in which they fill the grid; None leaves a place free."""
    rng, language = page.rng, page.content.place.language
    blocks: list[Block | None] = []
    if shape == "block":
        blocks.append(lambda x, room: _party(page, looks, "seller", x, room))
    if page.document.buyer:
        blocks.append(lambda x, room: _party(page, looks, "buyer", x, room))
        if rng.random() < 0.5:
            blocks.reverse()
    if looks.facts in ("block", "above", "two"):
        blocks.insert(
            int(rng.integers(len(blocks) + 1)), lambda x, room: FORMS[looks.facts](page, looks, facts, x, room)
        )
    more: list[Block] = []
    if rng.random() < 0.25:
        more.append(lambda x, room: _other(page, looks, str(rng.choice(list(SHIP[language]))), x, room, placed=True))
    if rng.random() < 0.25:
        more.append(lambda x, room: _other(page, looks, page.phrase("contact"), x, room, placed=False))
    if titled:
        word = page.term(page.document.type or "invoice")
        more.append(lambda x, room: _heading(page, looks, word, x, room, large=True))
    for one in more:
        blocks.insert(int(rng.integers(len(blocks) + 1)), one)
    if rng.random() < 0.3:
        blocks.insert(int(rng.integers(len(blocks) + 1)), None)
    return blocks


def _grid(page: Setting, blocks: Sequence[Block | None]) -> None:
    """Blocks side by side, row by row."""
    if not blocks:
        return
    rng = page.rng
    columns = min(len(blocks), int(rng.choice([1, 2, 2, 2, 3])))
    shares = rng.dirichlet([12.0] * columns)
    edges = page.left + np.concatenate([[0.0], np.cumsum(shares)]) * (page.right - page.left)
    for first in range(0, len(blocks), columns):
        top, lowest = page.y, page.y
        for at, one in enumerate(blocks[first : first + columns]):
            page.y = top
            if one is not None:
                one(float(edges[at]), float(edges[at + 1] - edges[at]) - 8)
            lowest = max(lowest, page.y)
        page.y = lowest + page.step * float(rng.uniform(0.3, 1.5))


def _heading(page: Setting, looks: Looks, text: str, x: float, room: float, *, large: bool = False) -> None:
    if looks.heading == "none" and not large:
        return
    next_page(page)
    bold = looks.heading != "small" or large
    size = page.shrunk(text, room - 4, bold=bold, size=1.8 if large else 0.8 if looks.heading == "small" else 1.0)
    if looks.heading in ("band", "line"):
        low = page.y + page.style.size * 0.45
        if looks.heading == "band":
            page.sheet.box(x - 2, page.y - page.style.size * size, x + room, low, fill=SHADE)
        else:
            page.sheet.rule(x, low, x + room, low)
    shown = text + (":" if looks.heading == "colon" and not large else "")
    page.write(x, shown, bold=bold, size=size, colour=page.style.accent)
    page.y += page.step * (1.5 if large else 1.2)


def _party(page: Setting, looks: Looks, who: str, x: float, room: float) -> None:
    """The seller's or the buyer's name and address."""
    document, rng = page.document, page.rng
    region = VENDOR if who == "seller" else CLIENT
    name, address = getattr(document, who) or "", (getattr(document, f"{who}_address") or "").splitlines()
    windowed = who == "buyer" and rng.random() < 0.3  # an address in the window of an envelope has no heading
    if looks.named if who == "seller" else not windowed:
        _heading(page, looks, page.term("buyer") if who == "buyer" else page.phrase("from"), x, room)
    if rng.random() < 0.15:
        label, value = reference(rng, page.content.place, page.writing)
        _line(page, looks, label, value, "", region, x, room)
    if who == "buyer" and rng.random() < 0.12:
        _line(page, looks, "", salutation(rng, page.content.place), "", region, x, room)
    _, _, named, placed, *_ = FORM[page.content.place.language]
    bold = bool(rng.random() < 0.35)
    for at, line in enumerate(in_lines(name, rng, 0.15)):
        _line(page, looks, named if looks.label and at == 0 else "", line, who, region, x, room, bold=bold)
    if rng.random() < 0.12:
        _line(page, looks, "", person(rng), "", region, x, room)
    if looks.joined and page.width(looks.joined.join(address)) < 1.3 * room:
        address = [looks.joined.join(address)]
    for at, line in enumerate(address):
        _line(page, looks, placed if looks.label and at == 0 else "", line, f"{who}_address", region, x, room)
    if who == "seller" and rng.random() < 0.5:
        _line(page, looks, page.term("phone"), page.content.phone, "", region, x, room)
        if rng.random() < 0.5:
            _line(page, looks, "", page.content.mail, "", region, x, room)
    tax_id = getattr(document, f"{who}_tax_id")
    if tax_id:
        label = page.term(f"{who}_tax_id")
        _line(page, looks, label, tax_id, f"{who}_tax_id", region, x, room)


def _line(
    page: Setting, looks: Looks, label: str, value: str, meaning: str, region: str, x: float, room: float, *,
    bold: bool = False,
) -> None:  # fmt: skip
    """A value, behind its label where it has one."""
    next_page(page)
    at, left = x, room
    if looks.label == "column":
        at, left = x + 0.3 * room, 0.7 * room
    if label:
        shown = f"{label}{page.style.colon}"
        size = page.shrunk(shown, 0.45 * room if looks.label != "column" else 0.3 * room)
        end = page.write(x, shown, size=size, bold=looks.bold_labels, region=region)
        at = max(at, end + 4)
        left = x + room - at
    size = page.shrunk(value, left, bold=bold)
    page.write(at, value, size=size, bold=bold, meaning=meaning, region=region)
    page.y += page.step * looks.gap


def _other(page: Setting, looks: Looks, heading: str, x: float, room: float, *, placed: bool) -> None:
    """Somebody who neither sells nor buys, or the buyer once more."""
    rng, document = page.rng, page.document
    _heading(page, looks, heading, x, room)
    lines = [person(rng) if rng.random() < 0.5 else coined_name(rng)]
    if placed:
        lines += (document.buyer_address or "").splitlines()
        if rng.random() < 0.5:
            lines[0] = document.buyer or lines[0]
    for line in [*lines, page.content.phone][: int(rng.integers(1, 6))]:
        next_page(page)
        page.write(x, line, size=page.shrunk(line, room))
        page.y += page.step * looks.gap
