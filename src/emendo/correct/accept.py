"""Which lines that a person left as they were count as right.

Only lines of a note that was edited, never of an untouched one. By default (`span`) a person is taken to have worked
from the top of a page downward: its lines before the last edit count, and all of a page with edits when a later page
has some too. But people also fix single words and leave the rest: when far fewer lines of the span were edited than
the model expected to be wrong (the sum of 1 - confidence), nothing there counts.
"""

from __future__ import annotations

from collections.abc import Sequence

REVIEWED = 0.5
"""Least edited lines of a span, as a share of those expected to be wrong, for the rest to count as seen."""


def accepted_lines(
    policy: str, pages: Sequence[int], touched: Sequence[bool], confidences: Sequence[float]
) -> tuple[set[int], list[str]]:
    """Indices of untouched lines that count as right under `policy` (setting collect.accept), and what to report.

    `pages`, `touched` and `confidences` are those of the lines of one note, in order.
    """
    edited_pages = {page for page, edit in zip(pages, touched, strict=True) if edit}
    if policy == "none" or not edited_pages:
        return set(), []
    untouched = {i for i, edit in enumerate(touched) if not edit}
    if policy == "note":
        return untouched, []
    if policy == "page":
        return {i for i in untouched if pages[i] in edited_pages}, []
    accepted: set[int] = set()
    notices = []
    for page in sorted(edited_pages):
        mine = [i for i, other in enumerate(pages) if other == page]
        last = max(i for i in mine if touched[i])
        span = mine if page < max(edited_pages) else [i for i in mine if i <= last]
        edits = sum(touched[i] for i in span)
        expected = sum(1 - confidences[i] for i in span)
        if edits >= REVIEWED * expected:
            accepted |= untouched & set(span)
        elif len(span) > edits:
            notices.append(
                f"page {page}: {len(span) - edits} untouched lines are not taken as right, for {edits} lines were "
                f"edited where about {expected:.0f} were expected to be wrong (setting collect.accept)"
            )
    return accepted, notices
