"""Evaluation of recognisers: reports, slices, comparisons, and their pages."""

from .compare import Comparison, compare, compare_reports
from .measures import Measures, are_plates, usual_folds
from .page import comparison_page, report_page, write_comparison_page, write_report_page
from .report import Line, Report, Unreadable, read_report
from .run import SampleSet, evaluate, evaluate_many, usual_slices

__all__ = [
    "Comparison",
    "Line",
    "Measures",
    "Report",
    "SampleSet",
    "Unreadable",
    "are_plates",
    "compare",
    "compare_reports",
    "comparison_page",
    "evaluate",
    "evaluate_many",
    "read_report",
    "report_page",
    "usual_folds",
    "usual_slices",
    "write_comparison_page",
    "write_report_page",
]
