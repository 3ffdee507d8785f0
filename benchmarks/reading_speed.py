"""Milliseconds of one core and CER per line, recognition only, on the same lines in the same run.

    python benchmarks/reading_speed.py [--model base-ar] [--data arabic_print] [--split val] [--lines 48] [--rounds 3]

`--model` is any model of emendo (a bundle, `base-hand`, a run), `--data` any data set of lines (a name means that
folder of the shared data). The engines take turns, round by round, so that whatever else the machine does falls on all
of them; the figure is processor time (it does not grow while another process waits for the core), the best round of
each. What a language model remembers of the lines of a round is forgotten before the next. TrOCR-small stands with
random weights and 20 tokens: its speed is true, its text is not.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from emendo.datasets import open_dataset
from emendo.errors import EngineError
from emendo.image.load import sample_image
from emendo.metrics.align import Counts, counts
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.engine import EngineName
from emendo.models.references import load_bundle
from emendo.text.language import LanguageModel
from emendo.types import Image

Reader = Callable[[Sequence[Image]], list[str]]


def emendo(ref: str, *, engine: EngineName, words: bool) -> Reader:
    """A model, with one look at each line; with or without the words of its language."""
    bundle = load_bundle(ref)
    altered = replace(bundle, info=bundle.info.model_copy(update={"looks": ()}))
    recognizer = CtcRecognizer(altered, threads=1, engine=engine, language="" if words else "none")
    return lambda images: [reading.text for reading in recognizer.read(images)]


def forget() -> None:
    """Every language model begins anew."""
    for one in gc.get_objects():
        if isinstance(one, LanguageModel):
            one.forget()


def rapidocr() -> Reader:
    """The wheel's own recogniser as its pipeline calls it: batches of six, widths padded to the widest."""
    from rapidocr import RapidOCR
    from rapidocr.ch_ppocr_rec import TextRecInput

    threads = {f"EngineConfig.onnxruntime.{name}_op_num_threads": 1 for name in ("intra", "inter")}
    engine = RapidOCR(params={"Global.log_level": "error", **threads})._load_rec_model()

    def read(images: Sequence[Image]) -> list[str]:
        crops = [np.ascontiguousarray(image[..., ::-1]) for image in images]
        return list(engine(TextRecInput(img=crops, return_word_box=False)).txts)

    return read


def tesseract_process(language: str) -> Reader:
    folder = Path(tempfile.mkdtemp())

    def read(images: Sequence[Image]) -> list[str]:
        texts = []
        for image in images:
            path = folder / "line.png"
            cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
            command = ["tesseract", str(path), "-", "--psm", "7", "-l", language]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            texts.append(" ".join(ran.stdout.split()))
        return texts

    return read


def tesserocr(language: str) -> Reader:
    import tesserocr as engine
    from PIL import Image as Pillow

    found = sorted(Path("/usr/share").glob("tesseract-ocr/*/tessdata"))
    api = engine.PyTessBaseAPI(path=str(found[-1]) if found else "", lang=language, psm=engine.PSM.SINGLE_LINE)

    def read(images: Sequence[Image]) -> list[str]:
        texts = []
        for image in images:
            api.SetImage(Pillow.fromarray(image))
            texts.append(" ".join(api.GetUTF8Text().split()))
        return texts

    return read


def trocr() -> Reader:
    """TrOCR-small at full size (Li et al. 2021): DeiT-small at 384 x 384, six decoder layers, 20 tokens a line."""
    import torch
    from transformers import DeiTConfig, TrOCRConfig, VisionEncoderDecoderConfig, VisionEncoderDecoderModel

    torch.set_num_threads(1)
    encoder = DeiTConfig(
        image_size=384, hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536
    )  # fmt: skip
    decoder = TrOCRConfig(
        vocab_size=64044, d_model=256, decoder_layers=6, decoder_attention_heads=8, decoder_ffn_dim=1024,
        cross_attention_hidden_size=384, max_position_embeddings=512, is_decoder=True, add_cross_attention=True,
    )  # fmt: skip
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    model = VisionEncoderDecoderModel(config=config).eval()

    def read(images: Sequence[Image]) -> list[str]:
        for image in images:
            scaled = cv2.resize(image, (384, 384)).astype(np.float32) / 127.5 - 1
            pixels = torch.from_numpy(scaled).permute(2, 0, 1)[None]
            with torch.no_grad():
                model.generate(
                    pixels, min_new_tokens=20, max_new_tokens=20, do_sample=False, num_beams=1,
                    decoder_start_token_id=2, pad_token_id=1, eos_token_id=2,
                )  # fmt: skip
        return ["" for _ in images]

    return read


TESSERACT = {"ar": "ara", "de": "deu", "en": "eng", "fr": "fra"}


def readers_of(model: str, language: str) -> dict[str, Callable[[], Reader]]:
    """How each engine is opened; `language` is the code of the lines' language."""
    other = TESSERACT.get(language, "eng")
    return {
        "emendo, no words": lambda: emendo(model, engine="onnxruntime", words=False),
        "emendo": lambda: emendo(model, engine="onnxruntime", words=True),
        "emendo, OpenVINO, no words": lambda: emendo(model, engine="openvino", words=False),
        "emendo, OpenVINO": lambda: emendo(model, engine="openvino", words=True),
        "rapidocr": rapidocr,
        "tesserocr": lambda: tesserocr(other),
        "tesseract process": lambda: tesseract_process(other),
        "TrOCR-small, torch": trocr,
    }


def processor_seconds() -> float:
    """Processor time of this process and its ended children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@dataclass
class Measured:
    """Milliseconds per line in the best round, processor time and clock, and what was read last."""

    cpu_ms: float = float("inf")
    wall_ms: float = float("inf")
    texts: Sequence[str] = ()


def measured(
    readers: Mapping[str, Reader], images: Sequence[Image], *, rounds: int, fewer: Mapping[str, int] | None = None
) -> dict[str, Measured]:
    """Each reader on the same lines, in turn, round by round; some of them on `fewer` lines."""
    found = {name: Measured() for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            forget()
            taken = images[: (fewer or {}).get(name)]
            began, clock = processor_seconds(), time.perf_counter()
            texts = read(taken)
            spent, waited = processor_seconds() - began, time.perf_counter() - clock
            one = found[name]
            one.cpu_ms, one.wall_ms = (
                min(one.cpu_ms, 1e3 * spent / len(taken)),
                min(one.wall_ms, 1e3 * waited / len(taken)),
            )
            one.texts = texts
    return found


def load_lines(ref: str, split: str, most: int) -> tuple[list[Image], list[str], str]:
    """Images and texts of every n-th line, and the language that the first one is said to be in."""
    data = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    found = open_dataset(str(data / ref) if (data / ref).exists() else ref)
    samples = [sample for sample in found.split(split) if sample.text]
    if not samples:
        raise SystemExit(f"{ref} has no lines in split {split}")
    samples = samples[:: max(1, len(samples) // most)][:most] if most else samples
    return [sample_image(one) for one in samples], [one.text or "" for one in samples], samples[0].language


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="val")
    parser.add_argument("--lines", type=int, default=48, help="0: all lines of the split")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trocr-lines", type=int, default=4)
    parser.add_argument("--model", default="base")
    parser.add_argument("--data", default="peraire", metavar="REF")
    parser.add_argument("--engines", default="", help="names separated by semicolons; empty: all that are installed")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    images, texts, language = load_lines(arguments.data, arguments.split, arguments.lines)
    makers = readers_of(arguments.model, language)
    chosen = [name for name in makers if not arguments.engines or name in arguments.engines.split(";")]
    readers, missing = {}, {}
    for name in chosen:
        try:
            readers[name] = makers[name]()
            taken = images[: arguments.trocr_lines] if name.startswith("TrOCR") else images
            readers[name](taken)  # plans of widths, words of the language
        except (ImportError, FileNotFoundError, EngineError) as error:
            missing[name] = str(error)
    found = measured(readers, images, rounds=arguments.rounds, fewer={"TrOCR-small, torch": arguments.trocr_lines})
    errors = {
        name: sum((counts(a, b) for a, b in zip(texts, one.texts, strict=True)), Counts())
        for name, one in found.items()
        if len(one.texts) == len(texts) and any(one.texts)
    }
    report = {
        "model": arguments.model,
        "data": arguments.data,
        "lines": len(images),
        "split": arguments.split,
        "rounds": arguments.rounds,
        "machine": platform.processor() or platform.machine(),
        "missing": missing,
        "engines": {
            name: {
                "cpu_ms": round(one.cpu_ms, 2),
                "wall_ms": round(one.wall_ms, 2),
                "cer": round(errors[name].cer, 4) if name in errors else None,
            }
            for name, one in found.items()
        },
    }
    print(json.dumps(report, ensure_ascii=False))
    print("\n| engine | ms of one core per line | wall ms | CER % |\n|---|---|---|---|")
    for name, one in found.items():
        cer = f"{100 * errors[name].cer:.1f}" if name in errors else "-"
        print(f"| {name} | {one.cpu_ms:.1f} | {one.wall_ms:.1f} | {cer} |")


if __name__ == "__main__":
    main()
