"""Tiny random models of the real classes, made offline: what a hub id would give, but small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VLM_TYPES = ("paddleocr_vl", "deepseek_ocr2", "qwen2_vl", "glm_ocr")

_QWEN = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for c in m.content %}{% if c.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_PADDLE = (
    "<|begin_of_sentence|>{% for m in messages %}{% if m.role == 'user' %}User: {% for c in m.content %}"
    "{% if c.type == 'image' %}<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>{% else %}{{ c.text }}{% endif %}"
    "{% endfor %}\n{% else %}Assistant: {% for c in m.content %}{{ c.text }}{% endfor %}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant: {% endif %}"
)
_DEEPSEEK = (
    "{% for m in messages %}{% for c in m.content %}{% if c.type == 'image' %}<image>\n{% else %}{{ c.text }}"
    "{% endif %}{% endfor %}{% if m.role == 'assistant' %}</s>{% endif %}{% endfor %}"
)
_GLM = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{% for c in m.content %}{% if c.type == 'image' %}"
    "<|begin_of_image|><|image|><|end_of_image|>{% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def tokenizer(specials: list[str], *, pad: str, end: str, begin: str | None = None, **extra: str) -> Any:
    """A byte-level tokenizer: 256 bytes and the special tokens, so that any text can be written."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    table = {token: i for i, token in enumerate(specials)}
    for symbol in sorted(pre_tokenizers.ByteLevel.alphabet()):
        table[symbol] = len(table)
    core = Tokenizer(models.BPE(vocab=table, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(specials)
    made = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=pad, eos_token=end, bos_token=begin, extra_special_tokens=extra
    )
    assert len(made) == len(table)
    return made


def trocr(
    folder: Path,
    *,
    size: int = 32,
    width: int = 64,
    layers: int = 2,
    tied: bool = True,
    spread: float = 0.0,
    paper: tuple[float, float] | None = None,
    seed: int = 0,
) -> Path:
    """A TrOCR: DeiT encoder for `size` x `size` pixels, decoder of the same width, byte tokens.

    `tied`: whether words go in and out by the same matrix (not so in TrOCR's own checkpoints). `spread`: standard
    deviation of all matrices and positions, in place of the library's 0.02, with which so small a model cannot tell
    one picture from another (1 / sqrt(width) is usual). `paper`: mean and deviation of the pixels.
    """
    import torch
    from transformers import (
        DeiTConfig,
        TrOCRConfig,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
    )

    torch.manual_seed(seed)
    words = tokenizer(["<s>", "<pad>", "</s>", "<unk>"], pad="<pad>", end="</s>", begin="<s>")
    encoder = DeiTConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * width,
        image_size=size,
        patch_size=8,
        hidden_dropout_prob=0.0,
    )
    decoder = TrOCRConfig(
        vocab_size=len(words),
        d_model=width,
        decoder_layers=layers,
        decoder_attention_heads=2,
        decoder_ffn_dim=2 * width,
        max_position_embeddings=160,
        cross_attention_hidden_size=width,
        dropout=0.0,
        scale_embedding=True,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        tie_word_embeddings=tied,
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 2, 1, 2
    model = VisionEncoderDecoderModel(config=config)
    if spread:
        for weight in model.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=spread)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    processor: dict[str, Any] = {"image_processor_type": "ViTImageProcessor", "resample": 3}
    processor["size"] = {"height": size, "width": size}
    if paper:
        processor |= {"image_mean": [paper[0]] * 3, "image_std": [paper[1]] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    return folder


def vlm(kind: str, folder: Path, *, seed: int = 0) -> Path:
    """A vision-language model of one of `VLM_TYPES` with its processor and chat template."""
    import torch

    torch.manual_seed(seed)
    model, words, template = _BUILDERS[kind](folder)
    model.save_pretrained(folder)
    words.chat_template = template
    words.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


def _image_processor(folder: Path, kind: str, **content: Any) -> None:
    held = {"image_processor_type": kind, **content}
    (folder / "preprocessor_config.json").write_text(json.dumps(held), encoding="utf-8")


def _paddleocr_vl(folder: Path) -> tuple[Any, Any, str]:
    from transformers import PaddleOCRVLConfig, PaddleOCRVLForConditionalGeneration

    names = ["<unk>", "</s>", "<|begin_of_sentence|>", "<|IMAGE_START|>", "<|IMAGE_PLACEHOLDER|>", "<|IMAGE_END|>"]
    words = tokenizer(names, pad="<unk>", end="</s>", begin="<|begin_of_sentence|>", image_token=names[4])
    config = PaddleOCRVLConfig(
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 56,
            "patch_size": 14,
        },
        text_config={
            "vocab_size": len(words),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "max_position_embeddings": 1024,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 1,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        },
        image_token_id=4,
        video_token_id=0,
        vision_start_token_id=3,
        vision_end_token_id=5,
    )
    model = PaddleOCRVLForConditionalGeneration(config)
    folder.mkdir(parents=True, exist_ok=True)
    size = {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}
    _image_processor(folder, "PaddleOCRVLImageProcessor", size=size, patch_size=14, merge_size=2)
    (folder / "processor_config.json").write_text('{"processor_class": "PaddleOCRVLProcessor"}', encoding="utf-8")
    return model, words, _PADDLE


def _deepseek_ocr2(folder: Path) -> tuple[Any, Any, str]:
    from transformers import DeepseekOcr2Config, DeepseekOcr2ForConditionalGeneration

    names = ["<pad>", "</s>", "<s>", "<image>"]
    words = tokenizer(names, pad="<pad>", end="</s>", begin="<s>", image_token="<image>")
    config = DeepseekOcr2Config(
        vision_config={
            "sam_config": {
                "hidden_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 1,
                "output_channels": 8,
                "global_attn_indexes": [0],
                "downsample_channels": [8, 16],
                "initializer_range": 0.02,
            },
            "encoder_config": {
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 1,
                "num_key_value_heads": 1,
                "vocab_size": 8,
            },
        },
        text_config={
            "vocab_size": len(words),
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
            "num_key_value_heads": 1,
            "n_routed_experts": 2,
            "n_shared_experts": 1,
            "num_experts_per_tok": 1,
            "moe_intermediate_size": 16,
            "mlp_layer_types": ["dense", "sparse"],
            "max_position_embeddings": 2048,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 1,
        },
        image_token_id=3,
    )
    model = DeepseekOcr2ForConditionalGeneration(config)
    folder.mkdir(parents=True, exist_ok=True)
    _image_processor(folder, "DeepseekOcr2ImageProcessor")
    (folder / "processor_config.json").write_text('{"processor_class": "DeepseekOcr2Processor"}', encoding="utf-8")
    return model, words, _DEEPSEEK


def _text_config(words: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 1024,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
    }


def _qwen2_vl(folder: Path) -> tuple[Any, Any, str]:
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    names = ["<|endoftext|>", "<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    words = tokenizer([*names, "<|video_pad|>"], pad=names[0], end=names[1])
    config = Qwen2VLConfig(
        vision_config={
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 14,
        },
        text_config={**_text_config(words), "bos_token_id": 0},
        image_token_id=5,
        video_token_id=6,
        vision_start_token_id=3,
        vision_end_token_id=4,
    )
    model = Qwen2VLForConditionalGeneration(config)
    folder.mkdir(parents=True, exist_ok=True)
    size = {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}
    _image_processor(folder, "Qwen2VLImageProcessor", size=size, patch_size=14, merge_size=2, temporal_patch_size=2)
    (folder / "processor_config.json").write_text('{"processor_class": "Qwen2VLProcessor"}', encoding="utf-8")
    return model, words, _QWEN


def _glm_ocr(folder: Path) -> tuple[Any, Any, str]:
    from transformers import GlmOcrConfig, GlmOcrForConditionalGeneration

    names = ["<|endoftext|>", "<|user|>", "<|assistant|>", "[gMASK]", "<sop>", "<|begin_of_image|>", "<|end_of_image|>"]
    more = ["<|image|>", "<|video|>", "<|begin_of_video|>", "<|end_of_video|>"]
    words = tokenizer([*names, *more], pad=names[0], end=names[1])
    config = GlmOcrConfig(
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "num_heads": 2,
            "image_size": 56,
            "patch_size": 14,
            "out_hidden_size": 32,
            "intermediate_size": 64,
        },
        text_config=_text_config(words),
        image_token_id=7,
        video_token_id=8,
        image_start_token_id=5,
        image_end_token_id=6,
        video_start_token_id=9,
        video_end_token_id=10,
    )
    model = GlmOcrForConditionalGeneration(config)
    folder.mkdir(parents=True, exist_ok=True)
    size = {"shortest_edge": 28 * 28, "longest_edge": 56 * 56 * 2}
    _image_processor(folder, "Glm46VImageProcessor", size=size, patch_size=14, merge_size=2, temporal_patch_size=2)
    (folder / "processor_config.json").write_text('{"processor_class": "Glm46VProcessor"}', encoding="utf-8")
    return model, words, _GLM


_BUILDERS = {
    "paddleocr_vl": _paddleocr_vl,
    "deepseek_ocr2": _deepseek_ocr2,
    "qwen2_vl": _qwen2_vl,
    "glm_ocr": _glm_ocr,
}
