"""A bundle tried out in a process of its own: what crashes, hangs or eats the memory there harms nobody here.

The child verifies the bundle, opens it and reads lines with it (or the words of documents, where it is of the family
`fields`), within a limit of time and of memory (RLIMIT_DATA: heap
and private mappings, so code that is only mapped does not count). It answers with one JSON object, or it does not.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emendo.errors import BundleError, EmendoError
from emendo.types import Image, Word

from .engine import EngineName

if TYPE_CHECKING:
    from .bundle import Bundle

WIDTHS: Final = (120, 640)
"""Columns of the lines that are drawn where none are given."""
_MEGABYTE: Final = 1 << 20
_REMEDY: Final = "keep the model in use"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the child read: the model as it calls itself, one text a line or document, and the seconds to the answer.

    `megabytes` is the most that lay in memory at once, Python and libraries included.
    """

    model: str
    texts: tuple[str, ...]
    seconds: float
    megabytes: float


def probe(
    folder: Path,
    *,
    images: Sequence[Image] = (),
    documents: Sequence[Sequence[Word]] = (),
    seconds: float = 60.0,
    megabytes: int = 3000,
    engine: EngineName = "onnxruntime",
    bits: int = 0,
    by: str = "",
) -> ProbeResult:
    """Verify, open and warm up the bundle in `folder` in a child process; read `images` (H, W, 3) uint8 with it.

    Of a bundle of the family `fields` the words of `documents` become fields, as canonical JSON, and a reader inside
    of it reads lines as well. Without either it reads what is drawn for it. `by` names the function (`module:name`)
    that reads the images in place of the family's own way, and `bits` quantises the weights (see `Loading`). The child
    has `seconds` of wall clock and `megabytes` of memory. Raises BundleError with the reason when the bundle is
    refused, or the child crashes, hangs or is killed.
    """
    lines = list(images) or [drawn_line(width) for width in WIDTHS]
    held = io.BytesIO()
    np.savez(held, *lines)
    order: dict[str, Any] = {"folder": str(folder.absolute()), "engine": engine, "bits": bits, "by": by}
    order |= {"seconds": seconds, "megabytes": megabytes}
    order["documents"] = [[astuple(word) for word in words] for words in documents]
    # the code of this package and no other: the child is not to find a module in the folder it happens to run in
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    try:
        answer, _ = child.communicate(json.dumps(order).encode() + b"\n" + held.getvalue(), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise _failed(folder, f"gave no answer within {seconds:g} s") from error
    finally:
        child.kill()
        child.wait()
    taken = time.monotonic() - began
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise _failed(folder, _ended(child.returncode, seconds, megabytes)) from error
    if "error" in told:
        raise BundleError(f"failed its self-test: {told['error']}", where=folder, remedy=_REMEDY)
    return ProbeResult(told["model"], tuple(told["texts"]), taken, told["megabytes"])


def drawn_line(width: int) -> Image:
    """Paper with some strokes on it, 64 rows high: enough to send every layer of a network through its work."""
    line = np.full((64, width, 3), 240, np.uint8)
    for at in range(8, width - 12, 17):
        line[16 + at % 7 : 44, at : at + 3] = 30
    return line


def drawn_words() -> list[Word]:
    """Words of a small bill, enough to send every layer of a network through its work."""
    texts = ("Shop", "2026-11-29", "Total", "12.00")
    return [Word(text, (20.0, 40.0 * at, 20.0 + 12 * len(text), 40.0 * at + 20), at) for at, text in enumerate(texts)]


def _failed(folder: Path, how: str) -> BundleError:
    return BundleError(f"failed its self-test: the process that tried it {how}", where=folder, remedy=_REMEDY)


def _ended(code: int, seconds: float, megabytes: int) -> str:
    if code == -signal.SIGALRM:
        return f"gave no answer within {seconds:g} s"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"was ended by {name} (limits: {megabytes} MB, {seconds:g} s)"
    return f"ended with status {code} and no answer (limits: {megabytes} MB, {seconds:g} s)"


def main(order: dict[str, Any], content: bytes) -> dict[str, Any]:
    """In the child: what `probe` is to hear."""
    _confine(order["seconds"], order["megabytes"])
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        images = [held[name] for name in held.files]
    try:
        from .bundle import FIELDS_FAMILY, read_bundle

        bundle = read_bundle(Path(order["folder"]))
        if order["by"]:
            module, _, name = order["by"].partition(":")
            model, texts = getattr(import_module(module), name)(bundle, images, order["engine"])
        elif bundle.info.family == FIELDS_FAMILY:
            documents = [[_word(*word) for word in words] for words in order["documents"]]
            model, texts = _tagged(bundle, documents, images, order["engine"])
        else:
            model, texts = _read(bundle, images, order["engine"], order["bits"])
    except MemoryError:
        return {"error": f"needs more than {order['megabytes']} MB of memory"}
    except EmendoError as error:
        return {"error": str(error)}
    except Exception as error:  # whatever a run time raises in a graph that it took
        reason = " ".join(str(error).split())[:200]
        return {"error": f"cannot read ({type(error).__name__}: {reason})"}
    return {"model": model, "texts": texts, "megabytes": _most_memory()}


def _word(text: str, box: Sequence[float], *rest: Any) -> Word:
    left, top, right, bottom = box
    return Word(text, (left, top, right, bottom), *rest)


def _read(bundle: Bundle, images: Sequence[Image], engine: EngineName, bits: int = 0) -> tuple[str, list[str]]:
    from .generative.recognizer import GenerativeRecognizer
    from .generative.source import from_bundle
    from .references import open_recognizer

    quantised = GenerativeRecognizer(from_bundle(bundle), bits=bits) if bits else None
    reader = quantised or open_recognizer(bundle, engine=engine)
    return reader.model, [one.text for one in reader.read(images)]


def _tagged(
    bundle: Bundle, documents: Sequence[Sequence[Word]], images: Sequence[Image], engine: EngineName
) -> tuple[str, list[str]]:
    """The fields of documents, and a look at the reader that the bundle brings along."""
    from emendo.fields.schema import canonical

    from .extract.decode import decode
    from .extract.reader import nested_reader
    from .extract.tagger import OnnxTagger

    tagger = OnnxTagger(bundle, engine=engine)
    shown = documents or [drawn_words()]
    texts = [canonical(decode(words, tagger.tag(words), tagger.decoding).document) for words in shown]
    inner = nested_reader(bundle)
    if inner is not None:
        _read(inner, images, engine)
    return tagger.model, texts


def _most_memory() -> float:
    """The most memory (MB) that this process had at once; `getrusage` alone would count its parent's, at the fork."""
    try:
        rows = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith("VmHWM:")) * 1024 / 1e6
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _confine(seconds: float, megabytes: int) -> None:
    """Give this process its limits; it ends by itself when whoever started it is gone."""
    import resource

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * _MEGABYTE, megabytes * _MEGABYTE))


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)  # whatever a library prints is no part of the answer
        json.dump(main(json.loads(sys.stdin.buffer.readline()), sys.stdin.buffer.read()), channel)
