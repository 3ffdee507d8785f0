"""Probes: data sets made from the rows of any other, that ask more of a model than to read a line.

    needle   a sentence with a number planted in a page of lines, and asked back
    json     the fields of a row as one JSON object
    latex    a formula, or a line with its mathematical signs, as LaTeX

Each is a data set of the usual form: `text` is the answer, the attribute `question` what a model that takes a prompt is
asked, `probe` the name of the row above. `emendo.evaluate.probes` scores them.
"""

from .needle import make_needles
from .targets import json_targets, latex_targets

__all__ = ["json_targets", "latex_targets", "make_needles"]
