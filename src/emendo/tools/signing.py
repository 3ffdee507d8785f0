"""Ed25519 signatures (RFC 8032) over content that has one canonical form; keys and signatures as TUF writes them.

A private key is a PEM file that only its owner may read; a public key is a JSON object that travels. Signing needs the
extra `emendo[edge]`; checking falls back to pure Python where `cryptography` is not installed, so a small device can.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import BundleError, EngineError, UsageError

INSTALL = "pip install 'emendo[edge]'"


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one form in which a mapping is signed: JSON in UTF-8, keys sorted, no blanks, no NaN."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def make_key(path: Path) -> Any:
    """A new key pair, its private half in `path` (PEM, PKCS 8, mode 600). Raises UsageError when that is there."""
    _signing()
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner.generate_ed25519()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(
            f"{path} is there already", remedy="a key is never overwritten; choose another name"
        ) from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(signer.private_bytes)
        stream.flush()
        os.fsync(stream.fileno())
    return signer


def load_key(path: Path) -> Any:
    """The key pair of a PEM file; raises UsageError when it is none."""
    _signing()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        return CryptoSigner(load_pem_private_key(path.read_bytes(), None))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"{path} holds no private key ({error})", remedy="make one with `emendo channel init`"
        ) from error


def public_key(signer: Any) -> dict[str, Any]:
    """The public half: `keyid`, `keytype`, `scheme`, `keyval`."""
    key = signer.public_key
    return {"keyid": key.keyid, **key.to_dict()}


def sign(signer: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """The signature of a mapping, with the id of its key."""
    return dict(signer.sign(canonical(content)).to_dict())


def check(content: Mapping[str, Any], signature: Mapping[str, Any], trusted: Sequence[Mapping[str, Any]]) -> str:
    """The id of the trusted key that signed `content`. Raises BundleError when none of them did."""
    try:
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Key, Signature
    except ImportError as error:
        raise EngineError("signatures cannot be checked here", remedy=INSTALL) from error
    keys = {str(one.get("keyid")): {k: v for k, v in one.items() if k != "keyid"} for one in trusted}
    keyid = str(signature.get("keyid"))
    if keyid not in keys:
        raise BundleError(
            f"is signed by the key {keyid[:16]!r}, which is not trusted", remedy="trust its key, or leave it"
        )
    try:
        Key.from_dict(keyid, dict(keys[keyid])).verify_signature(
            Signature.from_dict(dict(signature)), canonical(content)
        )
    except (UnverifiedSignatureError, KeyError, ValueError, TypeError) as error:
        raise BundleError("was altered after it was signed", remedy="fetch it again from its source") from error
    return keyid


def _signing() -> None:
    try:
        import cryptography  # noqa: F401
        import securesystemslib  # noqa: F401
    except ImportError as error:
        raise EngineError("nothing can be signed here", remedy=INSTALL) from error
