r"""LaTeX as text: finding formulas, comparing them by tokens, and telling whether one is well formed.

Two formulas are the same when their tokens are, after what never shows is taken away: blanks, `\left` and `\right`,
`\,`-like spaces, braces around a single token. Nothing is rendered and nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_FORMULA = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|\\\((?P<c>.+?)\\\)|(?<![\\$])\$(?P<d>[^$\n]+?)(?<!\\)\$"
    r"|\\begin\{(?P<env>equation|align|gather|displaymath|math)(?P<star>\*?)\}(?P<e>.+?)\\end\{(?P=env)(?P=star)\}",
    re.DOTALL,
)
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[^\s\\]", re.DOTALL)
_UNSEEN = frozenset({r"\left", r"\right", r"\,", r"\;", r"\:", r"\!", "\\ ", r"\quad", r"\qquad", r"\displaystyle"})
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_TAKES: dict[str, int] = {r"\frac": 2, r"\dfrac": 2, r"\tfrac": 2, r"\binom": 2, r"\sqrt": 1, "^": 1, "_": 1}
"""What cannot stand without arguments, and how many."""
_SIGNS = {
    "²": "^{2}", "³": "^{3}", "¹": "^{1}", "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}",
    "°": r"^{\circ}", "×": r"\times", "÷": r"\div", "±": r"\pm", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq",
    "≈": r"\approx", "∞": r"\infty", "√": r"\sqrt", "∑": r"\sum", "∫": r"\int", "π": r"\pi", "∈": r"\in",
    "→": r"\to", "·": r"\cdot",
}  # fmt: skip
_SPAN = re.compile(rf"[0-9A-Za-z.,]*[{''.join(_SIGNS)}](?:[0-9A-Za-z.,{''.join(_SIGNS)}]|(?<=[×÷±≤≥≠≈√]) (?=[0-9]))*")


def formulas(text: str) -> list[str]:
    """The formulas that stand between LaTeX delimiters in a text, without them, in order."""
    return [
        next(part for part in (found["a"], found["b"], found["c"], found["d"], found["e"]) if part is not None).strip()
        for found in _FORMULA.finditer(text)
    ]


def with_formulas(text: str) -> str | None:
    """A plain text with its spans of mathematical signs as `$LaTeX$`; None when it has none.

    `12 m² à 4 °C` gives `12 $m^{2}$ à 4 $^{\\circ}C$`. Signs are replaced one by one; nothing is interpreted.
    """
    changed = _SPAN.sub(lambda span: f"${_written(span[0])}$", text)
    return changed if changed != text else None


def _written(span: str) -> str:
    out = ""
    for char in span:
        sign = _SIGNS.get(char, char)
        if out and re.search(r"\\[A-Za-z]+$", out) and sign[:1].isalpha():
            out += " "
        out += sign
    return out


def tokens(formula: str) -> list[str]:
    """The tokens that show: commands and single characters; spaces, sizes and needless braces are left out."""
    found = [token for token in _TOKEN.findall(formula) if token not in _UNSEEN]
    kept: list[str] = []
    for token in found:
        kept.append(token)
        if len(kept) >= 3 and token == "}" and kept[-3] == "{" and kept[-2] not in "{}":
            kept[-3:] = [kept[-2]]
    return kept


def fault(formula: str) -> str:
    """What is wrong with a formula's form (braces, environments, missing arguments); empty when nothing is."""
    depth = 0
    found = _TOKEN.findall(formula)
    for token in found:
        depth += (token == "{") - (token == "}")
        if depth < 0:
            return "a closing brace without an opening one"
    if depth:
        return "an opening brace without a closing one"
    opened: list[str] = []
    for which, name in _ENVIRONMENT.findall(formula):
        if which == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return f"\\end{{{name}}} without its \\begin"
    if opened:
        return f"\\begin{{{opened[-1]}}} without its \\end"
    if found.count(r"\left") != found.count(r"\right"):
        return r"\left and \right do not match"
    return _lacking(found)


def _lacking(found: Sequence[str]) -> str:
    for at, token in enumerate(found):
        rest = [one for one in found[at + 1 : at + 2] if one != "}"]
        if _TAKES.get(token) and not rest:
            return f"{token} without what belongs to it"
    return ""
