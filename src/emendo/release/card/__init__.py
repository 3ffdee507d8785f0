"""The model card of a bundle, in the form that model hubs expect, written only from what files say.

Every figure names the file and the key that it comes from; the files are listed with their SHA-256. What no file says
is said to be unknown.
"""

from __future__ import annotations

from . import sections
from .head import head
from .markdown import Sources, line, table
from .material import Material, Measured, Run, gather
from .use import requirement


def model_card(material: Material, name: str, reference: str) -> str:
    """The card of a model called `name`, which is loaded by `reference`, as Markdown."""
    sources = Sources(material.bundle.folder)
    parts = {
        "What it reads": sections.reads(material, sources),
        "How to use it": sections.use(material, reference),
        "Training data": sections.learned(material, sources),
        "Recipe": sections.recipe(material, sources),
        "Results": sections.results(material, sources),
        "Calibration": sections.calibration(material, sources),
        "Parity": sections.parity(material, sources),
        "Limits": sections.limits(material, sources),
        "Corrections, and forgetting them": sections.lineage(material, sources),
        "Licences": sections.licences(material),
    }
    rows = [head(material, name), f"# {line(name)}", ""]
    for title, body in parts.items():
        rows += [f"## {title}", "", *body, ""]
    rows += ["## Sources", "", *table(["label", "file", "SHA-256"], sources.listed())]
    return "\n".join(rows).rstrip() + "\n"


__all__ = ["Material", "Measured", "Run", "gather", "model_card", "requirement"]
