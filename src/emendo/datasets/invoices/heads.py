"""The upper part of an invoice: who sells, who buys, which document it is."""

from __future__ import annotations

from math import cos, pi, sin

from .coined import coined_name
from .extras import DATED, SHIP, reference, salutation, sentence
from .firms import brand, in_lines
from .sheet import Colour
from .style import Setting

VENDOR, CLIENT, FACTS = "vendor_block", "client_info", "document"
WHITE: Colour = (1.0, 1.0, 1.0)


def set_head(page: Setting) -> None:
    """The seller's name and address; below them the text goes on."""
    style, document = page.style, page.document
    if style.head == "window":
        _window(page)
        return
    banded = style.head == "band"
    x, align = {
        "left": (page.left, "left"),
        "band": (page.left, "left"),
        "right": (page.right, "right"),
        "centre": ((page.left + page.right) / 2, "centre"),
    }[style.head]
    name_size = float(page.rng.uniform(1.5, 2.3))
    while page.width(document.seller or "", bold=True, size=name_size) > 0.7 * (page.right - page.left):
        name_size *= 0.9
    if banded:
        depth = page.y + 1.6 * name_size * style.size
        page.sheet.box(0, 0, page.sheet.width, depth, fill=style.accent)
    if style.logo:
        logo_x = page.right - 45 if style.head in ("left", "band") else page.left
        draw_logo(page, logo_x, page.y - 8, 40)
    page.y += name_size * style.size * 0.8
    colour = WHITE if banded else style.accent
    if not banded and page.rng.random() < 0.1:
        page.write(x, brand(document.seller or "", page.rng), size=1.6, align=align, colour=colour)
        page.y += page.step * 2.2
    lines = in_lines(document.seller or "", page.rng, 0.0 if banded else 0.12)
    for line in lines:
        page.write(x, line, bold=True, size=name_size, align=align, colour=colour, meaning="seller", region=VENDOR)
        page.y += 0 if line is lines[-1] else page.step * name_size
    page.y += page.step * 1.3 + (name_size * style.size * 0.9 if banded else 0)
    if page.rng.random() < 0.12:
        page.write(x, sentence(page.rng, page.content.place, page.writing)[:50], align=align, size=0.9, region=VENDOR)
        page.y += page.step
    for line in _address_lines(page):
        page.write(x, line, align=align, meaning="seller_address", region=VENDOR)
        page.y += page.step
    _contact(page, x, align)
    page.y += page.step * float(page.rng.uniform(0.6, 2.2))


def _address_lines(page: Setting) -> list[str]:
    """The address line by line, or all in one."""
    lines = (page.document.seller_address or "").splitlines()
    whole = str(page.rng.choice([" - ", ", ", " · "])).join(lines)
    return [whole] if page.rng.random() < 0.15 and page.width(whole) < 0.6 * (page.right - page.left) else lines


def _contact(page: Setting, x: float, align: str) -> None:
    document = page.document
    if page.rng.random() < 0.7:
        parts = [f"{page.term('phone')} {page.content.phone}"]
        if page.rng.random() < 0.6:
            parts.append(page.content.mail)
        page.write(x, "  ".join(parts), align=align, size=0.92, region=VENDOR)
        page.y += page.step
    if document.seller_tax_id:
        _labelled(page, x, align, "seller_tax_id", document.seller_tax_id, VENDOR)
        page.y += page.step


def _labelled(page: Setting, x: float, align: str, name: str, value: str, region: str) -> None:
    """A label and its value in one line, aligned as a whole."""
    label = f"{page.term(name)}{page.style.colon} "
    wide = page.width(label) + page.width(value)
    left = x - (wide if align == "right" else wide / 2 if align == "centre" else 0)
    page.write(left, label.rstrip(), region=region)
    page.write(left + page.width(label), value, meaning=name, region=region)


def _window(page: Setting) -> None:
    """A letter for an envelope with a window: the seller in small print above the buyer's address."""
    document, style = page.document, page.style
    if style.logo:
        draw_logo(page, page.right - 50, page.y - 10, 45)
    page.y += style.size * 1.6
    page.write(
        page.left, document.seller or "", bold=True, size=1.5, colour=style.accent, meaning="seller", region=VENDOR
    )
    page.y += page.step * float(page.rng.uniform(2.0, 4.0))
    x = page.left
    for at, part in enumerate((document.seller or "", *(document.seller_address or "").splitlines())):
        if at:
            x = page.write(x, " · ", size=0.72, region=VENDOR)
        x = page.write(x, part, size=0.72, meaning="seller_address" if at else "seller", region=VENDOR)
    page.sheet.rule(page.left, page.y + 2.5, x, page.y + 2.5, width=0.4)
    page.y += page.step * 1.3
    if document.seller_tax_id and not style.foot:
        _labelled(page, page.right, "right", "seller_tax_id", document.seller_tax_id, VENDOR)


def set_buyer(page: Setting) -> float:
    """The buyer's name and address from the present height down; the height below them. `page.y` stays."""
    document, style = page.document, page.style
    if not document.buyer:
        return page.y
    x = page.left if style.buyer != "right" else (page.left + page.right) / 2 + 20
    y = page.y
    lines = [
        *(("buyer", one) for one in in_lines(document.buyer, page.rng, 0.12)),
        *(("buyer_address", one) for one in (document.buyer_address or "").splitlines()),
    ]
    if style.buyer == "boxed" or (style.head != "window" and page.rng.random() > 0.25):
        label = page.term("buyer") + (style.colon if page.rng.random() < 0.5 else "")
        page.write(x, label, bold=True, colour=style.accent, region=CLIENT, y=y)
        y += page.step * 1.1
    top = y - style.size
    if page.rng.random() < 0.1:
        page.write(x, salutation(page.rng, page.content.place), region=CLIENT, y=y)
        y += page.step
    for name, line in lines:
        size = page.shrunk(line, page.right - x)
        page.write(x, line, size=size, meaning=name, region=CLIENT, y=y)
        y += page.step
    if document.buyer_tax_id:
        end = page.write(x, f"{page.term('buyer_tax_id')}{style.colon}", region=CLIENT, y=y)
        page.write(end + 4, document.buyer_tax_id, meaning="buyer_tax_id", region=CLIENT, y=y)
        y += page.step
    if page.rng.random() < 0.18 and style.facts not in ("table", "stacked"):
        _delivery(page, x)
    if style.buyer == "boxed":
        widest = max(page.width(line) for _, line in lines)
        page.sheet.box(x - 5, top - 4, x + max(widest, 150) + 8, y - style.size * 0.5, edge=style.accent)
    return y


def _delivery(page: Setting, taken: float) -> None:
    """An address that is not the buyer's, or his once more, beside his."""
    rng, y = page.rng, page.y
    x = page.left if taken > page.left else (page.left + page.right) / 2 + 20
    lines = [coined_name(rng), *(page.document.buyer_address or "").splitlines()]
    if rng.random() < 0.4:
        lines[0] = page.document.buyer or ""
    page.write(x, str(rng.choice(list(SHIP[page.content.place.language]))), bold=True, region=CLIENT, y=y)
    for at, line in enumerate(lines):
        size = page.shrunk(line[:34], page.right - x)
        page.write(x, line[:34], size=size, region=CLIENT, y=y + (1.1 + at) * page.step)


def set_facts(page: Setting) -> None:
    """Title, number, dates and references; the text goes on below them and the buyer."""
    style, document = page.style, page.document
    title = page.term(document.type or "invoice")
    large = float(page.rng.uniform(1.5, 2.6))
    below = set_buyer(page)
    facts = _facts(page)
    beside = style.buyer != "right" and style.facts in ("table", "stacked")
    if not beside:
        page.y = below + page.step * 0.5 + large * style.size
    if style.title == "line" and facts and facts[0][0] == "number":
        facts = _titled(page, title, facts, beside=beside)
    else:
        x, align = {
            "left": (page.left, "left"),
            "right": (page.right, "right"),
            "centre": ((page.left + page.right) / 2, "centre"),
            "line": (page.left, "left"),
        }[style.title if not beside else "right"]
        page.write(x, title, bold=True, size=large, align=align, colour=style.accent)
    page.y += page.step * 1.7
    _FACTS[style.facts](page, facts)
    page.y = max(page.y, below) + page.step * float(page.rng.uniform(0.8, 2.0))


def _titled(
    page: Setting, title: str, facts: list[tuple[str, str, str]], *, beside: bool
) -> list[tuple[str, str, str]]:
    """The title with the number and at times the day in one line; the facts that are left."""
    rng = page.rng
    parts = [(title, "")]
    if rng.random() < 0.4:
        parts.append((str(rng.choice(["No.", "Nr.", "N°", "n°", "#"])), ""))
    parts.append((facts[0][2], "number"))
    facts = facts[1:]
    if not beside and facts and facts[0][0] == "date" and rng.random() < 0.6:
        parts += [(str(rng.choice(list(DATED[page.content.place.language]))), ""), (facts[0][2], "date")]
        facts = facts[1:]
    whole = " ".join(text for text, _ in parts)
    size = page.shrunk(whole, (page.right - page.left) * (0.5 if beside else 1.0), bold=True, size=1.5)
    x = page.right - page.width(whole, bold=True, size=size) if beside else page.left
    for text, meaning in parts:
        x = page.write(x, text, bold=True, size=size, meaning=meaning, region=FACTS if meaning else "")
        x += page.width(" ", bold=True, size=size)
    return facts


def _facts(page: Setting) -> list[tuple[str, str, str]]:
    """Name of the field, label, and value as it is printed."""
    document = page.document
    found = {"number": document.number}
    for name, day in (("date", document.date), ("due_date", document.due_date)):
        found[name] = page.writing.written_day(day) if day else None
    found["order_number"] = document.order_number
    kept = [(name, page.term(name), value) for name, value in found.items() if value]
    if len(kept) > 2 and page.rng.random() < 0.3:
        kept[0], kept[1] = kept[1], kept[0]
    most = 3 if page.style.facts == "strip" else 6
    for _ in range(int(page.rng.choice([0, 0, 1, 2, 4]))):
        label, value = reference(page.rng, page.content.place, page.writing)
        if len(kept) < most:
            first = 1 if kept and kept[0][0] == "number" and page.style.title == "line" else 0
            kept.insert(int(page.rng.integers(first, len(kept) + 1)), ("", label[:24], value[:24]))
    return kept


def _table(page: Setting, facts: list[tuple[str, str, str]]) -> None:
    wide = max((page.width(label) for _, label, _ in facts), default=0)
    x = page.right - max(page.width(value) for _, _, value in facts) - 2 if facts else page.right
    for name, label, value in facts:
        page.write(x - 12 - wide, label + page.style.colon, region=FACTS)
        page.write(page.right, value, align="right", meaning=name, region=FACTS)
        page.y += page.step


def _stacked(page: Setting, facts: list[tuple[str, str, str]]) -> None:
    for name, label, value in facts:
        page.write(page.right - 130, label, size=0.8, colour=page.style.accent, region=FACTS)
        page.y += page.step * 0.9
        page.write(page.right - 130, value, bold=True, meaning=name, region=FACTS)
        page.y += page.step * 1.2


def _strip(page: Setting, facts: list[tuple[str, str, str]]) -> None:
    wide = (page.right - page.left) / max(1, len(facts))
    top = page.y - page.style.size * 1.1
    for at, (name, label, value) in enumerate(facts):
        x = page.left + at * wide + 4
        page.write(x, label, size=0.85, bold=True, region=FACTS)
        page.write(x, value, meaning=name, region=FACTS, y=page.y + page.step * 1.1)
    page.y += page.step * 1.1
    page.sheet.box(page.left, top, page.right, page.y + page.style.size * 0.5, edge=page.style.accent)
    page.y += page.step


def _lines(page: Setting, facts: list[tuple[str, str, str]]) -> None:
    for name, label, value in facts:
        end = page.write(page.left, f"{label}{page.style.colon}", region=FACTS)
        page.write(end + 5, value, meaning=name, region=FACTS)
        page.y += page.step


_FACTS = {"table": _table, "stacked": _stacked, "strip": _strip, "lines": _lines}


def draw_logo(page: Setting, x: float, y: float, size: float) -> None:
    """A mark that no firm has: a shape of some corners, another upon it, at times with the first letter."""
    rng, centre = page.rng, (x + size / 2, y + size / 2)
    corners, turn = int(rng.choice([3, 4, 5, 6, 24])), float(rng.uniform(0, pi))
    second: Colour = (float(rng.uniform(0.4, 1)), float(rng.uniform(0.4, 1)), float(rng.uniform(0.4, 1)))
    for radius, colour in ((size / 2, page.style.accent), (size / 3.4, second)):
        angles = [turn + 2 * pi * at / corners for at in range(corners)]
        page.sheet.polygon([(centre[0] + radius * cos(one), centre[1] + radius * sin(one)) for one in angles], colour)
        corners = int(rng.choice([3, 4, 24]))
    if rng.random() < 0.4:
        letter = (page.document.seller or "X")[0]
        page.sheet.slanted(x + size * 0.36, y + size * 0.62, letter, face=page.style.bold, size=size * 0.4, angle=0,
                           colour=WHITE)  # fmt: skip
