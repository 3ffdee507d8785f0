"""The one training loop, for models that write tokens: `Seq2SeqTrainer` with planned draws and true CER."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments

from emendo.models.generative.network import IGNORED, Network

from ..trainer import Watch, common_arguments
from .adapters import load_state, trained_state
from .data import Draws
from .recipe import HIGHER, Course, TuneRecipe

WEIGHTS_FILE = "model.safetensors"
Judge = Callable[[int], dict[str, float]]
"""Takes the step, reads the validation samples, returns `cer` and the recipe's metric."""


def token_loss(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
    """Cross-entropy in nats per token that carries loss, over all batches of a step together.

    `labels` (N, T) stand where the logits predict them. Dividing by the tokens of the whole step makes accumulation
    the same as one large batch.
    """
    logits = outputs["logits"].float()
    total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return total / (num_items_in_batch if num_items_in_batch is not None else (labels != IGNORED).sum())


class TokenTrainer(Seq2SeqTrainer):  # type: ignore[misc]
    """`Seq2SeqTrainer` that draws by plan, validates by reading, and keeps in a checkpoint only what trains."""

    control: Any
    model_accepts_loss_kwargs: bool
    _loss_shifts_labels: bool

    def __init__(self, network: Network, draws: Draws, *, judge: Judge | None, watch: Watch, **kwargs: Any) -> None:
        super().__init__(
            model=network.model,
            train_dataset=draws,
            eval_dataset=draws,
            data_collator=network.collate,
            compute_loss_func=token_loss,
            **kwargs,
        )
        # the models take any keyword and would hand the count on to their encoders; labels are in place already
        self.model_accepts_loss_kwargs = False
        self._loss_shifts_labels = False
        self._judge, self._watch = judge, watch

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> Any:
        """Figures of the readings of the validation samples, on the road that serving takes."""
        if self._judge is None:
            return {}
        seen = self._judge(self.state.global_step)
        self._watch.cer = seen["cer"]
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in seen.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_file(trained_state(self.model), folder / WEIGHTS_FILE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        path = Path(resume_from_checkpoint) / WEIGHTS_FILE
        load_state(self.model, load_file(path), path)


def arguments(
    out: Path, recipe: TuneRecipe, course: Course, *, precision: str, validated: bool
) -> Seq2SeqTrainingArguments:
    """The arguments of the trainer for one run."""
    common = common_arguments(
        out,
        steps=course.steps,
        evaluate_every=course.evaluate_every,
        clip=recipe.clip,
        seed=recipe.seed,
        metric=recipe.metric,
        higher=recipe.metric in HIGHER,
        validated=validated,
    )
    return Seq2SeqTrainingArguments(
        per_device_train_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.scheduler,
        warmup_steps=course.warmup,
        weight_decay=recipe.weight_decay,
        activation_checkpointing=recipe.checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if recipe.checkpointing else None,
        bf16=precision == "bfloat16",
        fp16=precision == "float16",
        save_total_limit=recipe.save_limit,
        label_names=["labels"],
        **common,
    )
