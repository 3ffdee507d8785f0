"""One training step of a full-size TrOCR-small (random weights): emendo beside a plain `Seq2SeqTrainer` script.

    python benchmarks/trocr_speed.py [--steps 6] [--threads 1] [--precision auto] [--json]

Each part runs in a process of its own, so that its peak of memory is its own, on the same lines, the same weights and
the same adapter (rank 16 on the attention of both sides), batch 4:

    plain     the script that one would write with transformers and peft alone; float32, as the library does by itself
    emendo    `emendo train` as it is, by the recipe `trocr-lora`, in the recipe's `precision`
    frozen    the same with a frozen encoder, whose output is kept (recipe `trocr-decoder`)

The seconds are the processor's, of the quickest step and of the one in the middle, from the end of one step to the end
of the next, so that reading the images counts; the first step is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("plain", "emendo", "frozen")
BATCH, TOKENS = 4, 40


def make_model(folder: Path) -> None:
    """The sizes of microsoft/trocr-small: DeiT-small on 384 x 384, a decoder of 6 layers of 256, 64,044 tokens."""
    import torch
    from transformers import DeiTConfig, TrOCRConfig, VisionEncoderDecoderConfig, VisionEncoderDecoderModel

    tokenizer = runpy.run_path(str(ROOT / "tests" / "tiny.py"))["tokenizer"]
    torch.manual_seed(0)
    encoder = DeiTConfig(
        hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536, image_size=384
    )
    decoder = TrOCRConfig(
        vocab_size=64_044,
        d_model=256,
        decoder_layers=6,
        decoder_attention_heads=8,
        decoder_ffn_dim=1024,
        cross_attention_hidden_size=384,
        decoder_start_token_id=2,
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 2, 1, 2
    VisionEncoderDecoderModel(config=config).save_pretrained(folder)
    tokenizer(["<s>", "<pad>", "</s>", "<unk>"], pad="<pad>", end="</s>", begin="<s>").save_pretrained(folder)
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 384, "width": 384}, "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")


def lines() -> list[Any]:
    """Eight real lines of some forty bytes."""
    from emendo.datasets.dataset import open_dataset

    data = Path(os.environ.get("EMENDO_DATA") or ROOT.parent / "shared" / "data")
    samples = open_dataset(data / "peraire").split("train")
    return sorted(samples[:200], key=lambda sample: abs(len((sample.text or "").encode()) - TOKENS))[:8]


def plain(folder: Path, steps: int, threads: int) -> list[float]:
    """Seconds of each step of a script without emendo's trainer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from PIL import Image
    from transformers import (
        AutoTokenizer,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        TrainerCallback,
        VisionEncoderDecoderModel,
        ViTImageProcessorPil,
    )

    torch.set_num_threads(threads)
    model = VisionEncoderDecoderModel.from_pretrained(folder)
    targets = r".*\.(q_proj|k_proj|v_proj|o_proj|out_proj)$"
    model = get_peft_model(
        model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules=targets, bias="none")
    )
    words, pictures = AutoTokenizer.from_pretrained(folder), ViTImageProcessorPil.from_pretrained(folder)
    rows = [(Image.open(s.image).convert("RGB"), words(s.text)["input_ids"][:TOKENS]) for s in lines()]

    class Lines(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, at: int) -> dict[str, Any]:
            image, ids = rows[at]
            return {"pixel_values": pictures(image, return_tensors="pt")["pixel_values"][0], "labels": ids}

    def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
        longest = max(len(item["labels"]) for item in items)
        labels = [item["labels"] + [-100] * (longest - len(item["labels"])) for item in items]
        return {"pixel_values": torch.stack([i["pixel_values"] for i in items]), "labels": torch.tensor(labels)}

    seen: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            seen.append(time.process_time())

    with tempfile.TemporaryDirectory() as out:
        arguments = Seq2SeqTrainingArguments(
            output_dir=out,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=5e-4,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )
        Seq2SeqTrainer(model, arguments, data_collator=collate, train_dataset=Lines(), callbacks=[Clock()]).train()
    return between(seen)


def ours(folder: Path, steps: int, threads: int, *, frozen: bool, precision: str) -> list[float]:
    """Seconds of each step of a run of emendo."""
    from emendo.train.recipe import family_recipe
    from emendo.train.run import train
    from emendo.train.trainer import Attendant
    from emendo.train.tuning.recipe import TuneRecipe

    name = "trocr-decoder" if frozen else "trocr-lora"
    changes = [
        f"steps={steps}",
        f"batch={BATCH}",
        "evaluations=1",
        "judged=1",
        "max_target=64",
        f"precision={precision}",
    ]
    recipe = family_recipe(name, changes, family="trocr", kind=TuneRecipe)
    seen: list[float] = []
    plain_end = Attendant.on_step_end

    def noted(self: Any, *arguments: Any, **named: Any) -> Any:
        done = plain_end(self, *arguments, **named)
        seen.append(time.process_time())
        return done

    Attendant.on_step_end = noted  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as out:
        train(lines(), base=str(folder), recipe=recipe, out=Path(out) / "run", threads=threads)
    return between(seen)


def between(times: list[float]) -> list[float]:
    """Seconds from each step's end to the next one's."""
    return [after - before for before, after in pairwise(times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="Of emendo's.")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.part:
        from emendo.train.record import peak_memory_mb

        if arguments.part == "plain":
            seconds = plain(arguments.model, arguments.steps, arguments.threads)
        else:
            how = {"frozen": arguments.part == "frozen", "precision": arguments.precision}
            seconds = ours(arguments.model, arguments.steps, arguments.threads, **how)
        least, middle = min(seconds), statistics.median(seconds)
        print(json.dumps({"step_seconds": least, "median_seconds": middle, "memory_mb": peak_memory_mb()}))
        return
    from emendo.train.tuning.family import precision_of
    from emendo.train.tuning.recipe import TuneRecipe

    figures: dict[str, Any] = {"batch": BATCH, "threads": arguments.threads, "steps": arguments.steps}
    figures["precision"] = {"plain": "float32", "emendo": precision_of(TuneRecipe(precision=arguments.precision))}
    with tempfile.TemporaryDirectory() as held:
        make_model(Path(held))
        for part in PARTS:
            command = [sys.executable, __file__, "--part", part, "--model", held]
            command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
            command += ["--precision", arguments.precision]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            figures[part] = json.loads(ran.stdout.strip().splitlines()[-1])
    figures["beside_plain"] = figures["emendo"]["step_seconds"] / figures["plain"]["step_seconds"]
    figures["frozen_faster"] = figures["plain"]["step_seconds"] / figures["frozen"]["step_seconds"]
    if arguments.json:
        print(json.dumps(figures))
        return
    for part in PARTS:
        number = figures["precision"]["plain" if part == "plain" else "emendo"]
        seen = figures[part]
        print(
            f"{part:8} {seen['step_seconds']:.3f} s a step of {BATCH} (median {seen['median_seconds']:.3f}), "
            f"{seen['memory_mb']:.0f} MB, {number}"
        )
    print(
        f"emendo takes {figures['beside_plain']:.2f} of the plain script's time; "
        f"with a frozen encoder it is {figures['frozen_faster']:.1f} x faster than the script"
    )


if __name__ == "__main__":
    main()
