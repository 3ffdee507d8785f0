"""The one training loop: Hugging Face's `Trainer`, told to take planned batches and to validate by true CER."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainingArguments

from .batches import BatchDataset, first
from .optimizer import RelativeAdamW
from .recipe import Recipe, Schedule
from .trainee import Trainee

LINES_AT_ONCE = 4
"""Most lines whose activations are held at a time."""
Validate = Callable[[Trainee, int], float]
"""Takes the trainee and the step, returns the CER (0 up)."""


@dataclass
class Watch:
    """What happens beside the steps: losses for the curve, the wish to stop, the verdict of the guard."""

    total: int
    progress: Callable[[int, int, str], None]
    patience: int = 0
    durations: list[float] = field(default_factory=list)
    """Seconds of each step."""
    stop_wanted: bool = False
    blown_up: bool = False
    cer: float | None = None
    metric: str = "cer"
    shown: str = "CER"
    """What the figure under `cer` is called: any error from 0 up, in per cent."""
    higher: bool = False
    """What the patience watches, and whether more of it is better."""


class Attendant(TrainerCallback):  # type: ignore[misc]
    """Watches the loss, shows progress, stops when asked to, and calls `moved` after each step.

    The loss has blown up when it is not finite, or when its running mean is twice what it was at its best and
    more than one nat per character above it.
    """

    def __init__(self, watch: Watch, moved: Callable[[], None] | None = None) -> None:
        self._watch, self._moved = watch, moved
        self._mean, self._best = math.nan, math.inf
        self._began = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Before a step."""
        self._began = time.monotonic()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After the weights moved."""
        if self._moved is not None:
            self._moved()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """After each step: keep the loss, look for a blow-up."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        watch = self._watch
        self._mean = float(loss) if math.isnan(self._mean) else 0.95 * self._mean + 0.05 * float(loss)
        self._best = min(self._best, self._mean)
        if not math.isfinite(loss) or self._mean > max(2 * self._best, self._best + 1):
            watch.blown_up = True
            control.should_training_stop = True
        text = f"loss {self._mean:.2f}" + ("" if watch.cer is None else f", {watch.shown} {100 * watch.cer:.1f} %")
        watch.progress(state.global_step, watch.total, text)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After a validation: end the run when the last few brought no gain."""
        key, sign = f"eval_{self._watch.metric}", -1 if self._watch.higher else 1
        seen = [sign * row[key] for row in state.log_history if key in row]
        if self._watch.patience and len(seen) - 1 - seen.index(min(seen)) >= self._watch.patience:
            control.should_training_stop = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Stop safely when the person asked for it: a checkpoint is written first."""
        self._watch.durations.append(time.monotonic() - self._began)
        if self._watch.stop_wanted:
            control.should_save = True
            control.should_training_stop = True
        return control


class LineTrainer(Trainer):  # type: ignore[misc]
    """`Trainer` with planned batches, two groups of weights, a cosine schedule and CER as its metric."""

    optimizer: Any
    lr_scheduler: Any
    control: Any

    def __init__(self, trainee: Trainee, batches: BatchDataset, *, validate: Validate | None, **kwargs: Any) -> None:
        self._recipe: Recipe = kwargs.pop("recipe")
        self._schedule: Schedule = kwargs.pop("schedule")
        self._watch: Watch = kwargs.pop("watch")
        super().__init__(model=trainee, train_dataset=batches, eval_dataset=batches, data_collator=first, **kwargs)
        self._validate = validate
        self._batches = batches
        self.create_optimizer()  # now, because its steps are relative to the weights of the start, not of a checkpoint

    def get_train_dataloader(self) -> Any:
        """Batches in the order of the plan."""
        loader: Any = DataLoader(
            self._batches, batch_size=1, sampler=SequentialSampler(self._batches), collate_fn=first
        )
        return self.accelerator.prepare(loader)

    def create_optimizer(self, model: Any = None) -> Any:
        """Weights decay, biases and norms do not."""
        if self.optimizer is None:
            named = [p for p in self.model.parameters() if p.requires_grad]
            groups = [
                {"params": [p for p in named if p.ndim > 1], "weight_decay": self._recipe.weight_decay},
                {"params": [p for p in named if p.ndim <= 1], "weight_decay": 0.0},
            ]
            self.optimizer = self.optimizer_of(groups)
        return self.optimizer

    def optimizer_of(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimiser of these groups of parameters."""
        return RelativeAdamW(groups, lr=self._schedule.learning_rate, betas=(0.9, 0.98))

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Linear rise, then a cosine down to a fiftieth."""
        if self.lr_scheduler is None:
            total, rise = self._schedule.steps, max(1.0, self._schedule.warmup * self._schedule.steps)

            def factor(step: int) -> float:
                if step < rise:
                    return (step + 1) / (rise + 1)
                share = (step - rise) / max(1.0, total - rise)
                return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, factor)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def training_step(self, model: Any, inputs: Mapping[str, Tensor], num_items_in_batch: Any = None) -> Tensor:
        """Loss and gradients of one batch, `LINES_AT_ONCE` lines after the other: that bounds the memory."""
        model.train()
        parts = list(split_batch(self._prepare_inputs(inputs), LINES_AT_ONCE))
        lines = sum(len(part["lengths"]) for part in parts)
        total = torch.zeros(())
        for part in parts:
            loss = model(**part)["loss"] * (len(part["lengths"]) / lines)
            self.accelerator.backward(loss)
            total = total + loss.detach().cpu()
        return total

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> Any:
        """True CER of the released weights on the validation lines, on the road that serving takes."""
        if self._validate is None:
            return {}
        cer = self._validate(self.model, self.state.global_step)
        self._watch.cer = cer
        metrics = {f"{metric_key_prefix}_cer": cer}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        state = state_dict if state_dict is not None else self.model.state_dict()
        super()._save(output_dir, {name: tensor.contiguous() for name, tensor in state.items()})


def split_batch(batch: Mapping[str, Tensor], most: int) -> Iterator[dict[str, Tensor]]:
    """A batch (see `BatchDataset`) in parts of at most `most` lines, as even as can be."""
    count = len(batch["lengths"])
    pieces = -(-count // most)
    ends = batch["lengths"].cumsum(0).tolist()
    for piece in range(pieces):
        low, high = count * piece // pieces, count * (piece + 1) // pieces
        first_target, last_target = (ends[low - 1] if low else 0), ends[high - 1]
        yield {
            "images": batch["images"][low:high],
            "targets": batch["targets"][first_target:last_target],
            "lengths": batch["lengths"][low:high],
        }


def common_arguments(
    out: Path, *, steps: int, evaluate_every: int, clip: float, seed: int, metric: str, higher: bool, validated: bool
) -> dict[str, Any]:
    """What all families tell `TrainingArguments`: one pass over planned batches is the whole run."""
    return {
        "output_dir": str(out),
        "max_steps": steps,
        "max_grad_norm": clip,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "eval_strategy": "steps" if validated else "no",
        "eval_steps": evaluate_every,
        "save_strategy": "steps",
        "save_steps": evaluate_every,
        "metric_for_best_model": metric if validated else None,
        "greater_is_better": higher if validated else None,
        "seed": seed,
        "data_seed": seed,
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
        "report_to": [],
        "remove_unused_columns": False,
    }


def arguments(out: Path, recipe: Recipe, schedule: Schedule, *, validated: bool) -> TrainingArguments:
    """The arguments of the `Trainer` for one run."""
    common = common_arguments(
        out,
        steps=schedule.steps,
        evaluate_every=schedule.evaluate_every,
        clip=recipe.clip,
        seed=recipe.seed,
        metric="cer",
        higher=False,
        validated=validated,
    )
    return TrainingArguments(per_device_train_batch_size=1, save_total_limit=2, label_names=["targets"], **common)
