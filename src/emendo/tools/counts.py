"""Numbers with what they count, as sentences name them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """The number and the noun, which is given as it is for one: `1 line`, `2 lines`, `0 boxes`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('x', 's', 'sh', 'ch')) else 's'}"
