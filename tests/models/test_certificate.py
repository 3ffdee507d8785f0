"""The parity certificate: of one bundle, signed, refused in every other case."""

from __future__ import annotations

from pathlib import Path

import pytest

from emendo.errors import BundleError
from emendo.models.bundle import Bundle, BundleInfo, read_bundle, update_info, write_bundle
from emendo.models.certificate import SIGNATURE, Certificate, Row, certify, check_certificate, read_certificate
from emendo.tools.signing import make_key, public_key


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "bundle", BundleInfo(name="x", alphabet=("a",)), {"notes.txt": b"hello"})


def certificate_for(of: Bundle, **changes: object) -> Certificate:
    row = Row(form="onnx", lines=3, same=3, cer=0.1, cer_difference=0.0, milliseconds=1e-05, megabytes=20.5)
    values = {"reference": of.id, "data": "lines", "form": "onnx", "made": "2026-11-29T12:00:00+00:00"}
    return Certificate.model_validate({"bundle": of.id, "rows": (row,), **values, **changes})


def test_a_signed_certificate_travels_with_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    signer = make_key(tmp_path / "key.pem")
    signed = certify(bundle, certificate_for(bundle), signer)
    again = read_bundle(signed.folder)
    assert again.id == bundle.id
    assert check_certificate(again, [public_key(signer)]) == certificate_for(bundle)
    with pytest.raises(BundleError, match="not trusted"):
        check_certificate(again, [public_key(make_key(tmp_path / "other.pem"))])


def test_none_altered_or_of_another_bundle_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    signer = make_key(tmp_path / "key.pem")
    with pytest.raises(BundleError, match="has no parity certificate"):
        read_certificate(bundle)
    with pytest.raises(BundleError, match="of another model"):
        certify(bundle, certificate_for(bundle, bundle="0" * 16), signer)
    signed = certify(bundle, certificate_for(bundle), signer)
    held = dict(signed.info.parity)
    altered = {**held["certificate"], "budget": 0.5}
    with pytest.raises(BundleError, match="altered after it was signed"):
        check_certificate(update_info(signed, parity={**held, "certificate": altered}), [public_key(signer)])
    with pytest.raises(BundleError, match="no valid parity certificate"):
        read_certificate(update_info(signed, parity={**held, "certificate": {**altered, "rows": []}}))
    without = {key: value for key, value in held.items() if key != SIGNATURE}
    with pytest.raises(BundleError, match="not trusted"):
        check_certificate(update_info(signed, parity=without), [public_key(signer)])
