"""The parity certificate: proof, carried in `bundle.yaml`, that a bundle reads what the trained model reads.

Each row compares one form of the model (adapter, merged, onnx, onnx-int8) with the one before on the same real lines.
The certificate names the content id of the bundle, so it is worth nothing on any other, and is signed, so that nobody
can write it who did not measure. A device takes no bundle without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emendo.errors import BundleError
from emendo.tools.signing import check, public_key, sign

from .bundle import Bundle, update_info

CERTIFICATE = "certificate"
SIGNATURE = "signature"
"""Keys under `parity` in `bundle.yaml`."""


class Row(BaseModel):
    """One form beside the reference: counts over the same samples, and what one costs on the machine that measured.

    `same` of `lines` texts are identical (a `line` is a document where the certificate says so); CERs in [0, 1];
    `logit_difference` is the greatest difference of log-probabilities (None where the form shows none); times in
    milliseconds of processor, sizes in megabytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: str = Field(max_length=40)
    lines: int = Field(ge=0)
    same: int = Field(ge=0)
    cer: float | None = Field(None, ge=0)
    cer_difference: float | None = None
    logit_difference: float | None = Field(None, ge=0)
    milliseconds: float = Field(ge=0)
    megabytes: float = Field(ge=0)
    memory_megabytes: float | None = Field(None, ge=0)


class Certificate(BaseModel):
    """What was measured, on which lines, for which bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle: str = Field(pattern="^[0-9a-f]{16}$", description="Content id of the bundle that it is of.")
    reference: str = Field(max_length=200, description="Content id of the trained model.")
    data: str = Field(max_length=200, description="Hash and name of the lines.")
    form: str = Field(max_length=40)
    made: str = Field(max_length=40, description="ISO 8601 UTC.")
    machine: str = Field("", max_length=200)
    budget: float = Field(0.0, ge=0, description="Greatest rise of the error that was allowed.")
    subject: str = Field("line", max_length=40, description="What was read: line or document.")
    error: str = Field("CER", max_length=40, description="What the errors of the rows are called.")
    rows: tuple[Row, ...] = Field(min_length=1)


def read_certificate(bundle: Bundle) -> Certificate:
    """The certificate of a bundle. Raises BundleError when it has none or that of another."""
    content = bundle.info.parity.get(CERTIFICATE)
    if content is None:
        raise BundleError("has no parity certificate", where=bundle.folder, remedy="export it with `emendo export`")
    try:
        certificate = Certificate.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"has no valid parity certificate ({place}: {first['msg'].lower()})", where=bundle.folder
        ) from error
    if certificate.bundle != bundle.id:
        what = f"carries the parity certificate of another model ({certificate.bundle}, this is {bundle.id})"
        raise BundleError(what, where=bundle.folder, remedy="export it with `emendo export`")
    return certificate


def certify(bundle: Bundle, certificate: Certificate, signer: Any) -> Bundle:
    """The bundle with its certificate, signed, in `bundle.yaml`. Raises BundleError when it is of another bundle."""
    content = certificate.model_dump(mode="json")
    parity = {**bundle.info.parity, CERTIFICATE: content, SIGNATURE: sign(signer, content)}
    signed = Bundle(bundle.folder, bundle.info.model_copy(update={"parity": parity}))
    read_certificate(signed)
    check(content, parity[SIGNATURE], [public_key(signer)])
    return update_info(bundle, parity=parity)


def check_certificate(bundle: Bundle, trusted: Sequence[Mapping[str, Any]]) -> Certificate:
    """The certificate of a bundle, signed by one of the trusted keys. Raises BundleError otherwise."""
    certificate = read_certificate(bundle)
    try:
        check(bundle.info.parity[CERTIFICATE], bundle.info.parity.get(SIGNATURE) or {}, trusted)
    except BundleError as error:
        raise BundleError(f"its parity certificate {error}", where=bundle.folder) from error
    return certificate
