"""Signatures: made by one key, checked with its public half, with and without `cryptography`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import _key

from emendo.errors import BundleError, UsageError
from emendo.tools.signing import canonical, check, load_key, make_key, public_key, sign

CONTENT = {"b": 0.1, "a": ["é", None, 3]}


def test_a_signature_holds_for_its_content_and_key_alone(tmp_path: Path) -> None:
    signer, other = make_key(tmp_path / "one.pem"), make_key(tmp_path / "two.pem")
    signature = json.loads(json.dumps(sign(signer, CONTENT)))
    trusted = [public_key(other), public_key(signer)]
    assert check(CONTENT, signature, trusted) == public_key(signer)["keyid"]
    with pytest.raises(BundleError, match="was altered after it was signed"):
        check({**CONTENT, "b": 0.2}, signature, trusted)
    with pytest.raises(BundleError, match="not trusted"):
        check(CONTENT, signature, [public_key(other)])
    with pytest.raises(BundleError, match="altered"):
        check(CONTENT, {**signature, "sig": sign(other, CONTENT)["sig"]}, trusted)
    with pytest.raises(BundleError, match="altered"):
        check(CONTENT, {"keyid": signature["keyid"], "sig": "zz"}, trusted)


def test_it_is_checked_without_cryptography_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = make_key(tmp_path / "key.pem")
    signature = sign(signer, CONTENT)
    monkeypatch.setattr(_key, "CRYPTO_IMPORT_ERROR", "not installed")
    check(CONTENT, signature, [public_key(signer)])
    with pytest.raises(BundleError, match="altered"):
        check({}, signature, [public_key(signer)])


def test_a_private_key_is_its_owners_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key.pem"
    made = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key(load_key(path)) == public_key(made)
    with pytest.raises(UsageError, match="there already"):
        make_key(path)
    path.write_text("nothing")
    with pytest.raises(UsageError, match="holds no private key"):
        load_key(path)


@given(
    st.dictionaries(st.text(), st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
)
def test_the_canonical_form_does_not_depend_on_the_order_nor_on_a_round_trip(content: dict[str, object]) -> None:
    turned = dict(reversed(list(content.items())))
    assert canonical(content) == canonical(turned) == canonical(json.loads(json.dumps(content)))
