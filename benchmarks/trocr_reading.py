"""One line of 20 tokens read by a full-size TrOCR-small (random weights): `model.generate` in torch, and the graphs.

    python benchmarks/trocr_reading.py [--lines 8] [--rounds 5] [--scale 6] [--json]

Everything runs in one process on one thread, contestants taking turns, line by line; what counts is the processor
time of the best round of each line, in the mean over the lines, from the image to the text. The random weights are
drawn `--scale` times as large as usual (0.02), because a network of small ones repeats its start token whatever it
sees. Beside the time stands on how many lines the tokens are those of torch: random weights make near ties, so int8
changes more of them than it does for a trained model. `emendo export` refuses a form that changes one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trocr_speed import lines, make_model

TOKENS = 20
CONTESTANTS = {
    "onnx": ("onnx", "onnxruntime"),
    "onnx-int8": ("onnx-int8", "onnxruntime"),
    "onnx-int8-decoder": ("onnx-int8-decoder", "onnxruntime"),
    "onnx, OpenVINO encoder": ("onnx", "openvino"),
    "onnx-int8-decoder, OpenVINO encoder": ("onnx-int8-decoder", "openvino"),
}


def lively(folder: Path, scale: float) -> Any:
    """The random model as a network of emendo, with larger weights and an end that is never written."""
    import torch

    from emendo.models.generative.network import Loading
    from emendo.models.generative.recognizer import load_network
    from emendo.models.generative.source import from_folder

    network = load_network(from_folder(folder), Loading())
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weights in network.model.named_parameters():
            if weights.ndim > 1 and "patch" not in name:
                weights.normal_(0, 0.02 * scale)
    network.model.config.decoder_start_token_id = 0
    return network


def readers(network: Any, folder: Path) -> dict[str, Any]:
    """By name: what takes an image and gives the tokens."""
    import torch

    from emendo.models.bundle import BundleInfo, write_bundle
    from emendo.models.generative.graphs import FORMS, TOKENIZER_FILE, GraphRecognizer
    from emendo.models.generative.pixels import pixels_of
    from emendo.models.generative.write_graphs import quantise, write_graphs

    settings = network.generation(TOKENS)

    @torch.inference_mode()
    def generate(image: Any) -> tuple[int, ...]:
        pixels = torch.from_numpy(pixels_of(image, network.form)[None])
        ids = network.model.generate(pixels, generation_config=settings)[0, 1:]
        network.tokenizer.decode(ids, skip_special_tokens=True)
        return tuple(ids.tolist())

    network.model.eval()
    network.tokenizer.save_pretrained(folder / "words")
    attention = network.model.config._attn_implementation
    plain = write_graphs(network, folder)
    network.model.set_attn_implementation(attention)
    held = {"float32": plain, "int8": {name: folder / f"int8-{name}" for name in plain}}
    for name, path in plain.items():
        quantise(path, held["int8"][name])
    found: dict[str, Any] = {"torch": generate}
    for name, (form, engine) in CONTESTANTS.items():
        numbers = dict(zip(plain, FORMS[form], strict=True))
        decoding = {"most_tokens": TOKENS, "start": network.start, "end": network.end, "pad": network.pad}
        decoding |= dict(zip(("encoder", "decoder"), FORMS[form], strict=True))
        info = BundleInfo(family="trocr", preprocessing=network.preprocessing, decoding=decoding)
        files = {one: held[number][one] for one, number in numbers.items()}
        files[TOKENIZER_FILE] = folder / "words" / TOKENIZER_FILE
        bundle = write_bundle(folder / name.replace(", ", "-").replace(" ", "-"), info, files)
        reader = GraphRecognizer(bundle, engine=engine)
        found[name] = lambda image, reader=reader: reader.write([image])[0].tokens
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=6.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    import torch

    from emendo.image.load import sample_image

    torch.set_num_threads(1)
    images = [sample_image(sample) for sample in lines()[: arguments.lines]]
    with tempfile.TemporaryDirectory() as held:
        make_model(Path(held) / "model")
        contestants = readers(lively(Path(held) / "model", arguments.scale), Path(held))
        best = {name: [float("inf")] * len(images) for name in contestants}
        tokens: dict[str, list[Any]] = {name: [()] * len(images) for name in contestants}
        for _ in range(arguments.rounds):
            for at, image in enumerate(images):
                for name, read in contestants.items():
                    began = time.process_time()
                    tokens[name][at] = read(image)
                    best[name][at] = min(best[name][at], time.process_time() - began)
    torch_seconds = sum(best["torch"]) / len(images)
    figures = {
        name: {
            "seconds": sum(best[name]) / len(images),
            "faster": torch_seconds / (sum(best[name]) / len(images)),
            "same_lines": sum(a == b for a, b in zip(tokens[name], tokens["torch"], strict=True)),
            "same_tokens": sum(
                x == y for a, b in zip(tokens[name], tokens["torch"], strict=True) for x, y in zip(a, b, strict=False)
            ),
        }
        for name in contestants
    }
    written = {"lines": len(images), "tokens": sum(map(len, tokens["torch"])), "different": len(set(tokens["torch"]))}
    if arguments.json:
        print(json.dumps({**written, "figures": figures}))
        return
    print(f"{written['lines']} lines, {written['tokens']} tokens, {written['different']} different readings")
    for name, one in figures.items():
        same = f"{one['same_lines']} lines, {one['same_tokens']} tokens as torch"
        print(f"{name:38} {1000 * one['seconds']:6.0f} ms  {one['faster']:4.1f} x  {same}")


if __name__ == "__main__":
    main()
