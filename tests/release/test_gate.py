from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from emendo.evaluate import Comparison, Line, Report
from emendo.formats import Reject
from emendo.metrics import counts
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.release import Decision, decide, examine, gate
from emendo.settings import GateSettings
from emendo.types import Sample

from .colours import GEOMETRY, colour_samples, write_colour_bundle

TEXTS = ["".join("abcdefg"[(i * 3 + k * k) % 7] for k in range(8)) for i in range(20)]
SETTINGS = GateSettings()


@dataclass(frozen=True)
class Lines:
    samples: tuple[Sample, ...]
    name: str = "mine"
    hash: str = "00"
    rejects: tuple[Reject, ...] = ()


def report(
    model: str, readings: Sequence[str], truths: Sequence[str], name: str = "mine", **slices: Sequence[str]
) -> Report:
    lines = tuple(
        Line(
            id=f"s{i}",
            reference=truth,
            hypothesis=read,
            confidence=1.0,
            counts=counts(truth, read),
            slices={key: column[i] for key, column in slices.items()},
        )
        for i, (truth, read) in enumerate(zip(truths, readings, strict=True))
    )
    return Report(model, name, "00", "", lines)


def noisy(truths: Sequence[str], rate: float, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return ["".join("#" if random.random() < rate else c for c in text) for text in truths]


SENTENCES = [f"ligne {i} du carnet de voyage, le soir" for i in range(60)]


def faults(personal: Comparison, *general: Comparison, settings: GateSettings = SETTINGS) -> list[str]:
    return [f.name for f in decide(personal, general, settings) if not f.good]


def test_a_clear_win_passes() -> None:
    personal = Comparison(
        report("a", noisy(SENTENCES, 0.2, 1), SENTENCES), report("b", noisy(SENTENCES, 0.05, 2), SENTENCES)
    )
    assert faults(personal) == []


def test_equal_is_not_better() -> None:
    same = noisy(SENTENCES, 0.1, 1)
    assert faults(Comparison(report("a", same, SENTENCES), report("b", same, SENTENCES))) == ["better"]


def test_a_win_by_next_to_nothing_is_not_worth_a_change() -> None:
    before = [text[:-1] for text in SENTENCES] + ["ligne"] * 60
    after = [text if i < 8 else text[:-1] for i, text in enumerate(SENTENCES)] + ["ligne"] * 60
    truths = SENTENCES * 2
    personal = Comparison(report("a", before, truths), report("b", after, truths))
    found = next(f for f in decide(personal, (), SETTINGS) if f.name == "better")
    assert not found.good
    assert found.figures["confidence_better"] > 0.95 > found.figures["confidence_worth"]
    assert "better with 100.0 % confidence, but 3 % fewer errors or more with only 0.0 %, 95 % are needed" in found.what
    assert faults(personal, settings=GateSettings(least_gain=0)) == []


def test_too_few_lines_give_no_verdict() -> None:
    few = SENTENCES[:4]
    personal = Comparison(report("a", noisy(few, 0.9, 1), few), report("b", few, few))
    assert faults(personal) == ["lines"]
    assert faults(personal, settings=GateSettings(min_test_lines=4)) == []


def test_a_slice_that_gets_worse_blocks() -> None:
    writers = ["x" if i % 4 else "y" for i in range(60)]
    before, after = noisy(SENTENCES, 0.2, 1), noisy(SENTENCES, 0.02, 2)
    worse = noisy(SENTENCES, 0.35, 3)
    mixed = [w if writer == "y" else b for w, b, writer in zip(worse, after, writers, strict=True)]
    a = report("a", before, SENTENCES, writer=writers)
    assert faults(Comparison(a, report("b", mixed, SENTENCES, writer=writers))) == ["slice writer=y"]
    assert faults(Comparison(a, report("b", after, SENTENCES, writer=writers))) == []


def test_small_slices_are_judged_together() -> None:
    writers = [f"w{i}" if i < 12 else "main" for i in range(60)]
    before, after = noisy(SENTENCES, 0.2, 1), noisy(SENTENCES, 0.02, 2)
    lost = [text[:20] if i < 12 else text for i, text in enumerate(after)]
    found = decide(
        Comparison(report("a", before, SENTENCES, writer=writers), report("b", lost, SENTENCES, writer=writers)),
        (),
        SETTINGS,
    )
    assert [f.name for f in found if not f.good] == ["slice writer=(small ones together)"]
    assert sum(f.name.startswith("slice") for f in found) == 2


def test_one_odd_line_is_no_slice() -> None:
    kinds = ["odd" if i == 7 else "main" for i in range(60)]
    after = [text[:9] if i == 7 else text for i, text in enumerate(SENTENCES)]
    before = report("a", noisy(SENTENCES, 0.2, 1), SENTENCES, kind=kinds)
    found = decide(Comparison(before, report("b", after, SENTENCES, kind=kinds)), (), SETTINGS)
    assert all(f.good for f in found)
    assert "1 line of kind=(small ones together): too few for a verdict" in [f.what for f in found]


def test_forgetting_blocks_beyond_the_budget_only() -> None:
    personal = Comparison(report("a", noisy(SENTENCES, 0.2, 1), SENTENCES), report("b", SENTENCES, SENTENCES))
    general = [f"autre texte {i}" * 4 for i in range(60)]
    a = report("a", general, general, "general")
    forgot = report("b", noisy(general, 0.02, 4), general, "general")
    assert faults(personal, Comparison(a, forgot)) == ["general general"]
    assert faults(personal, Comparison(a, forgot), settings=GateSettings(general_budget=0.05)) == []


def test_a_lost_character_blocks_however_good_the_rest() -> None:
    personal = Comparison(
        report("a", noisy(SENTENCES, 0.2, 1), SENTENCES),
        report("b", [text.replace("v", "u") for text in SENTENCES], SENTENCES),
    )
    assert faults(personal) == ["characters"]
    rare = [*SENTENCES[:57], *(text + "Z" for text in SENTENCES[57:])]
    never = Comparison(report("a", rare, rare), report("b", [text.replace("Z", "") for text in rare], rare))
    assert "characters" in faults(never)


@pytest.mark.parametrize("seed", range(5))
def test_many_slices_do_not_stop_a_better_model(seed: int) -> None:
    pages = [f"p{i // 5}" for i in range(60)]
    a = report("a", noisy(SENTENCES, 0.12, seed), SENTENCES, page=pages)
    b = report("b", noisy(SENTENCES, 0.06, seed + 100), SENTENCES, page=pages)
    assert faults(Comparison(a, b)) == []


def personal_set(folder: Path) -> Lines:
    return Lines(colour_samples(folder, TEXTS, writer=["x", "y"] * 10))


def run_gate(tmp_path: Path, candidate: Path, general: Sequence[Lines] = ()) -> Decision:
    champion = CtcRecognizer(write_colour_bundle(tmp_path / "champion", wrong={"a": "b", "c": "d"}))
    return gate(champion, candidate, personal_set(tmp_path / "lines"), general)


def test_a_better_bundle_passes(tmp_path: Path) -> None:
    write_colour_bundle(tmp_path / "new")
    decision = run_gate(tmp_path, tmp_path / "new")
    assert decision.passed
    assert "-> 0.00 % on your test lines, better with 100.0 % confidence" in decision.reason
    text = json.dumps(decision.figures(), allow_nan=False)
    assert '"passed": true' in text
    assert {f.name for f in decision.findings} >= {
        "bundle",
        "alphabet",
        "lines",
        "better",
        "slice writer=x",
        "characters",
    }


def test_a_worse_bundle_is_refused_with_its_reasons(tmp_path: Path) -> None:
    write_colour_bundle(tmp_path / "new", wrong={"a": "b", "e": "f", "d": "g"})
    decision = run_gate(tmp_path, tmp_path / "new")
    assert not decision.passed
    assert "95 % are needed" in decision.reason
    assert "'e'" in decision.reason


def test_a_dropped_character_is_refused(tmp_path: Path) -> None:
    write_colour_bundle(tmp_path / "new", drop="g")
    decision = run_gate(tmp_path, tmp_path / "new")
    assert "its alphabet lacks 'g'" in decision.reason


def test_a_general_set_guards_what_the_personal_one_does_not_hold(tmp_path: Path) -> None:
    write_colour_bundle(tmp_path / "new", wrong={"f": "g"})
    texts = [text.translate({ord("f"): "a", ord("g"): "c"}) for text in TEXTS]
    champion = CtcRecognizer(write_colour_bundle(tmp_path / "champion", wrong={"a": "b", "c": "d"}))
    personal = Lines(colour_samples(tmp_path / "own", texts))
    general = Lines(colour_samples(tmp_path / "general", ["ffffff", "gggggg"] * 3), "built-in")
    assert gate(champion, tmp_path / "new", personal).passed
    decision = gate(champion, tmp_path / "new", personal, [general])
    assert [f.name for f in decision.findings if not f.good] == ["general built-in", "characters"]


def edit_info(folder: Path, **changes: object) -> None:
    path = folder / "bundle.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}), encoding="utf-8")


def test_an_altered_bundle_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    write_colour_bundle(folder, run={"preprocessing": GEOMETRY.model_dump()})
    assert examine(folder)[1].good
    edit_info(folder, preprocessing={**GEOMETRY.model_dump(), "stretch": 0.6, "right_pixels": 9})
    decision = run_gate(tmp_path, folder)
    assert not decision.passed
    assert decision.reason == "the bundle prepares lines otherwise than in training (right_pixels, stretch)"


def test_a_bundle_that_is_not_the_one_sealed_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    bundle = write_colour_bundle(folder)
    edit_info(folder, parity={"bundle": bundle.id})
    assert examine(folder)[1].good
    edit_info(folder, alphabet=list(reversed(bundle.info.alphabet)))
    assert "was changed after training" in examine(folder)[1].what


@pytest.mark.parametrize("fault", ["truncated", "missing", "alphabet", "height", "empty"])
def test_a_broken_bundle_is_a_finding_not_a_crash(tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "new"
    write_colour_bundle(folder)
    if fault == "truncated":
        (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:100])
    elif fault == "missing":
        (folder / "model.onnx").unlink()
    elif fault == "alphabet":
        edit_info(folder, alphabet=["a", "b"])
    elif fault == "height":
        edit_info(folder, preprocessing={**GEOMETRY.model_dump(), "height": 64})
    else:
        (folder / "bundle.yaml").write_text("", encoding="utf-8")
    decision = run_gate(tmp_path, folder)
    assert not decision.passed
    assert [f.name for f in decision.findings] == ["bundle"]
    assert len(decision.reason.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "good", "says"),
    [
        ({}, True, "CER 0.00 % and 100.00 % exact on 20 held-out plates"),
        ({"f": "g"}, False, "below 10 % and above 70 % are needed"),
    ],
)
def test_a_model_for_plates_must_also_read_well_enough_to_be_used(
    tmp_path: Path, wrong: dict[str, str], good: bool, says: str
) -> None:
    write_colour_bundle(tmp_path / "new", wrong=wrong)
    champion = CtcRecognizer(write_colour_bundle(tmp_path / "champion", wrong={"a": "b", "c": "d", "e": "f"}))
    samples = tuple(replace(one, subset="plate") for one in colour_samples(tmp_path / "lines", TEXTS))
    found = {one.name: one for one in gate(champion, tmp_path / "new", Lines(samples)).findings}
    assert found["better"].good
    assert found["plates"].good is good
    assert says in found["plates"].what
    lenient = GateSettings(plate_cer=0.9, plate_exact=0.0)
    assert gate(champion, tmp_path / "new", Lines(samples), settings=lenient).findings[2].figures["cer_below"] == 0.9
    plain = gate(champion, tmp_path / "new", Lines(colour_samples(tmp_path / "plain", TEXTS)))
    assert "plates" not in {one.name for one in plain.findings}
