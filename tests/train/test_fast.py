"""A run whose model has another form than its base: it is taught by the base, reads, and is a base itself."""

from __future__ import annotations

import pytest

from emendo.datasets.dataset import open_dataset
from emendo.errors import UsageError
from emendo.image.load import sample_image
from emendo.models.base import base_bundle, load_graph
from emendo.models.bundle import read_bundle
from emendo.models.ctc.forms import BASE, form_of
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.train.recipe import Recipe, load_recipe
from emendo.train.run import train

NARROW = Recipe(
    steps=2, evaluations=1, replay=0.0, precision="float32", inside=0.9, halved=10, taught=1.0, language="none"
)  # fmt: skip


@pytest.fixture(scope="module")
def own(data):
    """Six short training lines."""
    short = sorted(open_dataset(data / "peraire").split("train")[:150], key=lambda one: (len(one.text or ""), one.id))
    return tuple(short[10:16])


@pytest.fixture(scope="module")
def narrow(own, tmp_path_factory):
    return train(own, out=tmp_path_factory.mktemp("fast") / "out", recipe=NARROW, threads=1)


def test_the_model_has_the_form_that_was_asked_for_and_reads(narrow, own):
    bundle = read_bundle(narrow.bundle)
    form = form_of(load_graph(bundle.path("model.onnx")))
    assert form.halved == 10
    assert all(0.85 < now / was < 0.95 for now, was in zip(form.hidden, BASE.hidden, strict=True))
    assert narrow.report["parity"]["same_reading"]
    assert bundle.info.run["recipe"]["halved"] == 10
    assert any(reading.text for reading in CtcRecognizer(bundle).read([sample_image(one) for one in own]))


def test_the_form_stays_when_it_is_trained_further(narrow, own, tmp_path):
    plain = NARROW.model_copy(update={"inside": 1.0, "halved": 13, "steps": 1})
    further = train(own, out=tmp_path / "out", recipe=plain, threads=1, base=str(narrow.bundle))
    graphs = [load_graph(read_bundle(one).path("model.onnx")) for one in (narrow.bundle, further.bundle)]
    assert form_of(graphs[0]) == form_of(graphs[1])


def test_a_model_of_the_base_form_cannot_stand_beside(own, tmp_path):
    with pytest.raises(UsageError, match="another form"):
        train(own, out=tmp_path / "out", recipe=NARROW, threads=1, beside=base_bundle().folder)


def test_the_recipe_fast_asks_for_a_taught_narrow_model():
    recipe = load_recipe("fast")
    assert recipe.inside < 1 and recipe.taught > 0 and recipe.share == 1
