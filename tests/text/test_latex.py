from __future__ import annotations

import pytest

from emendo.text.latex import fault, formulas, tokens, with_formulas


def test_formulas_between_delimiters() -> None:
    text = r"Let $x^2$ be, \[ \frac{1}{2} \] or \(a\): $$y$$ \begin{equation*}z\end{equation*} costs \$5 and $6."
    assert formulas(text) == ["x^2", r"\frac{1}{2}", "a", "y", "z"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("12 m² à 4 °C", r"12 $m^{2}$ à 4 $^{\circ}C$"),
        ("½ tasse", r"$\frac{1}{2}$ tasse"),
        ("3×n", r"$3\times n$"),
        ("rien", None),
    ],
)
def test_signs_of_mathematics(text: str, written: str | None) -> None:
    assert with_formulas(text) == written


def test_what_never_shows_makes_no_difference() -> None:
    assert tokens(r"x^{2} + \left( a \right)") == tokens("x^2+(a)") == ["x", "^", "2", "+", "(", "a", ")"]
    assert tokens(r"x^{12}") != tokens("x^12")


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (r"\frac{1}{2} + \begin{array}{c} a \end{array}", ""),
        ("}", "a closing brace without"),
        ("{", "an opening brace without"),
        (r"\begin{a}x\end{b}", r"\\end{b} without"),
        (r"\begin{a}x", r"\\begin{a} without"),
        (r"\left( x )", "do not match"),
        ("x^", r"\^ without"),
        (r"{x_}", "_ without"),
    ],
)
def test_faults_of_form(formula: str, says: str) -> None:
    import re

    assert re.search(says, fault(formula)) if says else fault(formula) == ""
