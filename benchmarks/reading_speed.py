"""Milliseconds of one core and CER per line, recognition only, on the same lines in the same run.

    python benchmarks/reading_speed.py [--split val] [--lines 48] [--rounds 3] [--trocr-lines 4]

The engines take turns, round by round, so that whatever else the machine does falls on all of them; the figure is
processor time (it does not grow while another process waits for the core), the best round of each. The lines are the
crops of the Peraire notebook. TrOCR-small stands with random weights and 20 tokens: its speed is true, its text is not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from emendo.errors import EngineError
from emendo.metrics.align import Counts, counts
from emendo.models.base import base_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.engine import EngineName
from emendo.models.references import load_recognizer
from emendo.types import Image

Reader = Callable[[Sequence[Image]], list[str]]


def emendo(*, engine: EngineName, words: bool) -> Reader:
    """The base with one look at each line, with or without the words of the language (which it tells by itself)."""
    bundle = base_bundle()
    altered = replace(bundle, info=bundle.info.model_copy(update={"looks": ()}))
    recognizer = CtcRecognizer(altered, threads=1, engine=engine, language="auto" if words else "none")
    return lambda images: [reading.text for reading in recognizer.read(images)]


def adapted(ref: str) -> Reader:
    recognizer = load_recognizer(ref, threads=1)
    return lambda images: [reading.text for reading in recognizer.read(images)]


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


def tesseract_process() -> Reader:
    folder = Path(tempfile.mkdtemp())

    def read(images: Sequence[Image]) -> list[str]:
        texts = []
        for image in images:
            path = folder / "line.png"
            cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
            command = ["tesseract", str(path), "-", "--psm", "7", "-l", "fra"]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            texts.append(" ".join(ran.stdout.split()))
        return texts

    return read


def tesserocr() -> Reader:
    import tesserocr as engine
    from PIL import Image as Pillow

    found = sorted(Path("/usr/share").glob("tesseract-ocr/*/tessdata"))
    api = engine.PyTessBaseAPI(path=str(found[-1]) if found else "", lang="fra", psm=engine.PSM.SINGLE_LINE)

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


ENGINES: dict[str, Callable[[], Reader]] = {
    "emendo, no words": lambda: emendo(engine="onnxruntime", words=False),
    "emendo": lambda: emendo(engine="onnxruntime", words=True),
    "emendo, OpenVINO, no words": lambda: emendo(engine="openvino", words=False),
    "emendo, OpenVINO": lambda: emendo(engine="openvino", words=True),
    "rapidocr": rapidocr,
    "tesserocr": tesserocr,
    "tesseract process": tesseract_process,
    "TrOCR-small, torch": trocr,
}


def processor_seconds() -> float:
    """Processor time of this process and its ended children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def load_lines(split: str, most: int) -> tuple[list[Image], list[str]]:
    data = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    rows = [json.loads(row) for row in (data / "peraire" / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["split"] == split]
    rows = rows[:: max(1, len(rows) // most)][:most] if most else rows
    images: list[Image] = []
    for row in rows:
        image = cv2.imread(str(data / "peraire" / row["image"]))
        if image is None:
            raise SystemExit(f"cannot read {row['image']}")
        images.append(np.ascontiguousarray(np.asarray(image, np.uint8)[..., ::-1]))
    return images, [row["text"] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="val")
    parser.add_argument("--lines", type=int, default=48, help="0: all lines of the split")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trocr-lines", type=int, default=4)
    parser.add_argument("--model", help="an adapted bundle to measure as well")
    parser.add_argument("--engines", default="", help="names separated by semicolons; empty: all that are installed")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    images, texts = load_lines(arguments.split, arguments.lines)
    makers = dict(ENGINES)
    if arguments.model:
        makers["emendo, adapted"] = lambda: adapted(arguments.model)
    chosen = [name for name in makers if not arguments.engines or name in arguments.engines.split(";")]
    readers, missing = {}, {}
    for name in chosen:
        try:
            readers[name] = makers[name]()
            readers[name](images[:2])
        except (ImportError, FileNotFoundError, EngineError) as error:
            missing[name] = str(error)
    best: dict[str, float] = {}
    wall: dict[str, float] = {}
    errors: dict[str, Counts] = {}
    for _ in range(arguments.rounds):
        for name, read in readers.items():
            taken = images[: arguments.trocr_lines] if name.startswith("TrOCR") else images
            began, clock = processor_seconds(), time.perf_counter()
            found = read(taken)
            spent, waited = processor_seconds() - began, time.perf_counter() - clock
            best[name] = min(best.get(name, 1e9), 1000 * spent / len(taken))
            wall[name] = min(wall.get(name, 1e9), 1000 * waited / len(taken))
            if len(found) == len(texts) and any(found):
                errors[name] = sum((counts(a, b) for a, b in zip(texts, found, strict=True)), Counts())
    report = {
        "lines": len(images),
        "split": arguments.split,
        "rounds": arguments.rounds,
        "machine": platform.processor() or platform.machine(),
        "missing": missing,
        "engines": {
            name: {
                "cpu_ms": round(best[name], 2),
                "wall_ms": round(wall[name], 2),
                "cer": round(errors[name].cer, 4) if name in errors else None,
            }
            for name in best
        },
    }
    print(json.dumps(report, ensure_ascii=False))
    print("\n| engine | ms of one core per line | wall ms | CER % |\n|---|---|---|---|")
    for name, spent in best.items():
        cer = f"{100 * errors[name].cer:.1f}" if name in errors else "-"
        print(f"| {name} | {spent:.1f} | {wall[name]:.1f} | {cer} |")


if __name__ == "__main__":
    main()
