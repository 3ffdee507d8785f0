"""A model of fields on a channel: published with pages as self-test, tried and put in use on a device, and served."""

from __future__ import annotations

import shutil
from pathlib import Path

from emendo.models.bundle import Bundle, read_bundle
from emendo.models.certificate import certify
from emendo.models.channel import read_self_test
from emendo.pages.fields import load_document_reader
from emendo.release.channel.publish import publish
from emendo.serve.sync.agent import Agent
from emendo.serve.sync.setup import pin
from emendo.settings import ChannelSettings

from ...fieldnet import BILLS, bill_samples
from ...release.released import Publisher, certificate_for
from .devices import QUICK


def test_a_device_takes_a_model_of_fields_and_reads_documents_with_it(fields_bundle: Bundle, tmp_path: Path) -> None:
    publisher = Publisher.begin(tmp_path)
    bundle = read_bundle(Path(shutil.copytree(fields_bundle.folder, tmp_path / "bills")))
    certify(bundle, certificate_for(bundle), publisher.channel.keys.signer("certificate"))
    samples = bill_samples(tmp_path / "pages", BILLS[:2])
    release = publish(publisher.channel, bundle.folder, "stable", 100, samples=samples)
    workspace = pin(tmp_path / "device", publisher.root, "nowhere")
    settings = ChannelSettings(**{"url": str(publisher.channel.folder), **QUICK})
    status = Agent.of(workspace, settings, print).look()
    assert (status.state, status.model) == ("up to date", release.bundle) == ("up to date", bundle.id)
    tests = next(workspace.root.rglob("selftest/lines.json"), None) or next(workspace.root.rglob("lines.json"))
    assert ['"number":"R-700"' in one.text for one in read_self_test(tests.parent).lines] == [True, False]
    reader = load_document_reader(str(workspace.models / bundle.id))
    assert read_bundle(workspace.models / bundle.id).id == bundle.id and reader.model.startswith(f"bills@{bundle.id}")
