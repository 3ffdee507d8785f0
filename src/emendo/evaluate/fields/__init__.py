"""Evaluation of readers of documents: what of the fields is right, and how sure that is."""

from .beside import TwoReadings, beside, read_both
from .compare import FieldComparison, compare_field_reports
from .outcome import Counted, Outcome, outcome
from .page import two_readings_page, write_field_comparison_page, write_field_page
from .report import FieldReport, is_field_report, read_field_report
from .run import chosen_fields, evaluate_fields, known_truths
from .truth import truth_of, written

__all__ = [
    "Counted",
    "FieldComparison",
    "FieldReport",
    "Outcome",
    "TwoReadings",
    "beside",
    "chosen_fields",
    "compare_field_reports",
    "evaluate_fields",
    "is_field_report",
    "known_truths",
    "outcome",
    "read_both",
    "read_field_report",
    "truth_of",
    "two_readings_page",
    "write_field_comparison_page",
    "write_field_page",
    "written",
]
