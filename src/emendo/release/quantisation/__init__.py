"""Smaller forms of a model beside it: quantised, loaded and measured in one run; what is refused stands there too.

Nothing is released by this (`emendo export` does that): it shows what each form would cost and gain.
"""

from .forms import FORMS, Made, made
from .page import quantisation_page
from .report import FormRow, Quantisation, quantisation

__all__ = ["FORMS", "FormRow", "Made", "Quantisation", "made", "quantisation", "quantisation_page"]
