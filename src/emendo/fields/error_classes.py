"""What kinds of error a reading of a document has, and how bad they are.

Classes and severities are those of the product's requirements. With the truth an error is what differs from it; at
the time of reading there is no truth, and what the validator finds stands for it (`suspected`). A document without any
error is CORRECT, a class of its own; OTHER is an error that no other class names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final

from .compare import ROW_MARK, Comparison, compare_documents
from .names import REGIONS
from .schema import Document
from .validate import Severity, Validation


class ErrorClass(StrEnum):
    """The kinds of error, the worst first."""

    TOTAL_MISMATCH = "TOTAL_MISMATCH"
    TABLE_STRUCTURE_ERROR = "TABLE_STRUCTURE_ERROR"
    CURRENCY_ERROR = "CURRENCY_ERROR"
    DATE_ERROR = "DATE_ERROR"
    VENDOR_INFO_ERROR = "VENDOR_INFO_ERROR"
    OTHER = "OTHER"
    CORRECT = "CORRECT"


SEVERITY: Final[Mapping[ErrorClass, int]] = {
    ErrorClass.TOTAL_MISMATCH: 5,
    ErrorClass.TABLE_STRUCTURE_ERROR: 4,
    ErrorClass.CURRENCY_ERROR: 4,
    ErrorClass.DATE_ERROR: 3,
    ErrorClass.VENDOR_INFO_ERROR: 2,
    ErrorClass.OTHER: 1,
    ErrorClass.CORRECT: 0,
}
"""How bad an error of a class is: 5 changes what is paid, 1 is a matter of looks, 0 is none."""

_BY_FIELD: Final[Mapping[str, ErrorClass]] = {
    **dict.fromkeys(
        ("total", "net", "tax", "due", "prepaid", "discount", "charges", "rounding"), ErrorClass.TOTAL_MISMATCH
    ),
    **dict.fromkeys(("lines", "taxes"), ErrorClass.TABLE_STRUCTURE_ERROR),
    **dict.fromkeys(("date", "due_date"), ErrorClass.DATE_ERROR),
    **dict.fromkeys(REGIONS["vendor_block"], ErrorClass.VENDOR_INFO_ERROR),
    "currency": ErrorClass.CURRENCY_ERROR,
}
_BY_RULE: Final[Mapping[str, ErrorClass]] = {
    **dict.fromkeys(("total", "tax_rate", "taxes", "tax_base", "line_rates", "due"), ErrorClass.TOTAL_MISMATCH),
    **dict.fromkeys(("product", "lines", "row_amount"), ErrorClass.TABLE_STRUCTURE_ERROR),
    **dict.fromkeys(("currency", "decimals"), ErrorClass.CURRENCY_ERROR),
}
"""Classes of what the validator finds; a finding of another rule is of the class of the first field that it names."""


def classify_error(
    truth: Document, found: Document | None, told: Collection[str] | None = None
) -> tuple[ErrorClass, ...]:
    """The classes of what a reading has wrong, missed or invented, the worst first; (CORRECT,) when nothing.

    `told` names the fields of which the truth speaks, where it does not speak of all (`total`, `lines[].amount`, or
    `lines` for all of a table): what was read elsewhere is not judged.
    """
    wrong = (name.partition(ROW_MARK)[0] for name in wrong_fields(truth, found, told))
    return ordered(_BY_FIELD.get(name, ErrorClass.OTHER) for name in wrong)


def wrong_fields(truth: Document, found: Document | None, told: Collection[str] | None = None) -> tuple[str, ...]:
    """The fields in which a reading has something wrong, missed or invented (`total`, `lines[].amount`)."""
    compared = judged(compare_documents(truth, found), told).fields
    return tuple(name for name, one in compared.items() if one.errors)


def judged(compared: Comparison, told: Collection[str] | None) -> Comparison:
    """A comparison without the fields of which the truth does not speak."""
    if told is None:
        return compared
    wanted = set(told)
    return Comparison(
        {name: one for name, one in compared.fields.items() if {name, name.partition(ROW_MARK)[0]} & wanted}
    )


def suspected(checked: Validation) -> tuple[ErrorClass, ...]:
    """The classes of what the validator holds against a reading whose truth is not known; warnings do not count."""
    found = [one for one in checked.findings if one.severity is not Severity.WARNING]
    return ordered(_BY_RULE.get(one.rule) or _class_of(one.paths) for one in found)


def ordered(classes: Iterable[ErrorClass]) -> tuple[ErrorClass, ...]:
    """Each class once, by severity; (CORRECT,) for none."""
    seen = set(classes)
    return tuple(one for one in ErrorClass if one in seen) or (ErrorClass.CORRECT,)


def severity(classes: Iterable[ErrorClass]) -> int:
    """That of the worst."""
    return max((SEVERITY[one] for one in classes), default=0)


def regions_with_errors(
    truth: Document, found: Document | None, told: Collection[str] | None = None
) -> tuple[str, ...]:
    """The regions of the document (`fields.names.REGIONS`) in which something is wrong, in reading order."""
    wrong = {name.partition(ROW_MARK)[0] for name in wrong_fields(truth, found, told)}
    return tuple(region for region, names in REGIONS.items() if wrong & set(names))


def _class_of(paths: Iterable[str]) -> ErrorClass:
    names = (path.partition(".")[0] for path in paths)
    return next((_BY_FIELD[name] for name in names if name in _BY_FIELD), ErrorClass.OTHER)
