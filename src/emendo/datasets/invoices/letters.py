"""A document as a sheet: which of the layouts, and its parts in order."""

from __future__ import annotations

import numpy as np

from ...fields.schema import Document
from .balances import set_balance
from .blocks import set_blocks
from .content import Content
from .extras import sentence
from .forms import set_form
from .heads import set_facts, set_head
from .ledgers import set_ledger
from .printed import printed
from .sheet import Sheet
from .style import A4, LETTER, Setting, Style, draw_style
from .sums import set_foot, set_sums
from .tables import set_table
from .tills import set_receipt

_FREE = 0.6
"""Share of the letters whose head, table or sums are set freely, each drawn by itself."""


_PROSE = 0.3
"""Share of the letters that say something above the table."""


def set_document(content: Content, rng: np.random.Generator) -> tuple[Sheet, Document]:
    """The sheet of a document, a strip for most receipts, else pages of A4 or Letter; and what of it is printed."""
    style = draw_style(rng, content)
    if content.document.type == "receipt" and rng.random() < 0.9:
        page = set_receipt(content, style, rng)
    elif rng.random() < 0.14:
        page = set_form(content, style, rng)
    else:
        page = _letter(content, style, rng)
    return page.sheet, printed(content.document, page.sheet.words, page.writing)


def _letter(content: Content, style: Style, rng: np.random.Generator) -> Setting:
    size = LETTER if content.place.code in ("US", "CA", "MX") else A4
    sheet = Sheet(*(size[::-1] if rng.random() < 0.04 else size))
    page = Setting(content, style, sheet, rng)
    if rng.random() < _FREE:
        set_blocks(page)
    else:
        set_head(page)
        set_facts(page)
    if rng.random() < _PROSE:
        _prose(page)
    (set_ledger if rng.random() < _FREE else set_table)(page)
    (set_balance if rng.random() < _FREE else set_sums)(page)
    set_foot(page)
    return page


def _prose(page: Setting) -> None:
    """One to three lines of text above the table."""
    for _ in range(int(page.rng.integers(1, 4))):
        text = sentence(page.rng, page.content.place, page.writing)
        page.write(page.left, text, size=page.shrunk(text, page.right - page.left))
        page.y += page.step
    page.y += page.step * float(page.rng.uniform(0.3, 1.2))
