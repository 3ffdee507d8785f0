"""Three rounds of mining on real receipts with simulated corrections, and plain training beside them.

    python benchmarks/mining_rounds.py [--model base-fields] [--rounds 3] [--share 0.5] [--set KEY=VALUE]

The train split of `receipts` is shared out by group, a part for each round and one for the gate. In each round the
model in use reads its part, and the simulated person corrects what is wrong (the fields of the data set: seller,
address, date, total); the errors are logged, hard documents and a share of usual ones are trained on from the model in
use, and the gate judges on its part with the val split and on 100 made-up documents, on which also the fields are
measured of which receipts tell nothing (net, tax, rows). On so few documents a tenth fewer errors cannot be proven with
95 % confidence: the gate asks for 80 %, and of all else what it always asks. The peer is plain training of the same
start with the same recipe on all documents corrected so far, without log, choice, replay or gate. The test split is
read at the end, once for each model, and decides nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from emendo.datasets import Dataset, open_dataset
from emendo.datasets.invoices.general import general_documents
from emendo.evaluate.fields.run import evaluate_fields
from emendo.learn.documents import Labelled, of_dataset, portions
from emendo.learn.means import Workshop
from emendo.learn.mined import Measured, RoundReport
from emendo.learn.mining import Means, Wanted, mine_rounds
from emendo.models.base import cache_folder
from emendo.settings import GateSettings
from emendo.tools.files import write_text
from emendo.types import Origin, Sample, Split

DATA = Path(os.environ.get("EMENDO_DATA", "../shared/data"))
FIELDS = ("seller", "seller_address", "date", "total")


@dataclass(frozen=True)
class State:
    """A model after some rounds: what it reads wrong on the test split and on made-up documents."""

    after: str
    test: Measured
    general: Measured


def part(dataset: Dataset, split: Split) -> Dataset:
    """One split of a data set as a set of its own."""
    return replace(dataset, name=f"{dataset.name}/{split}", samples=dataset.split(split), lines=())


def corrected(document: Labelled) -> Sample:
    """A document as a person left it."""
    return replace(document.sample, fields=document.truth.values(), origin=Origin.CORRECTED, split=Split.TRAIN)


def measured(workshop: Workshop, after: str, ref: str, test: Dataset, general: Dataset) -> State:
    """One model on what decides nothing."""
    reader = workshop.open(ref)
    sets = (
        Measured.of(evaluate_fields([reader], one, fields=names)[0]) for one, names in ((test, FIELDS), (general, ()))
    )
    return State(after, *sets)


def plain(workshop: Workshop, parts: Sequence[Sequence[Labelled]], model: str, out: Path) -> list[str]:
    """Train the start model on all documents of the first part, of the first two, and so on; the bundles."""
    made = []
    for number in range(1, len(parts) + 1):
        run = out / f"plain_{number:02}"
        samples = [corrected(one) for some in parts[:number] for one in some]
        made.append(str(workshop.train(samples, base=model, out=run, resume=run.is_dir())))
    return made


def rows(title: str, states: Sequence[State]) -> list[str]:
    """A table of errors by round."""
    names = [*FIELDS]
    head = f"{title:10} {'errors':>7} {'1 - F1':>8} " + " ".join(f"{name:>14}" for name in names)
    lines = [f"{head} | {'made-up errors':>14} {'of':>5} {'1 - F1':>8}"]
    for one in states:
        by_field = " ".join(f"{one.test.errors_of(name):14}" for name in names)
        test, general = one.test, one.general
        lines.append(
            f"{one.after:10} {test.errors:7} {100 * (1 - (test.f1 or 0)):6.1f} % {by_field} | "
            f"{general.errors:14} {general.values:5} {100 * (1 - (general.f1 or 0)):6.1f} %"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base-fields")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--recipe", default="")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--confidence", type=float, default=0.8, help="what the gate asks for (0.95 by default elsewhere)"
    )
    parser.add_argument("--general", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("build/bench/mining"))
    parser.add_argument("--no-test", action="store_true", help="measure on what the gate decides on, for trying things")
    args = parser.parse_args()
    began = time.monotonic()
    receipts = open_dataset(DATA / "receipts")
    *parts, held = portions(of_dataset(receipts, Split.TRAIN).documents, args.rounds + 1, args.seed)
    general = general_documents(cache_folder(), args.general)
    val = part(receipts, Split.VAL)
    deciding = replace(val, name="receipts/gate", samples=[*val.samples, *(one.sample for one in held)])
    test = deciding if args.no_test else part(receipts, Split.TEST)
    workshop = Workshop(recipe=args.recipe, changes=args.set, tell=print)
    means = Means(
        open=workshop.open,
        train=workshop.train,
        judge=workshop.judge_on(deciding, (general,), GateSettings(confidence=args.confidence)),
        put_in_use=str,
        held=(deciding, general),
    )
    wanted = Wanted(share=args.share, seed=args.seed)
    rounds = mine_rounds(args.work / "mined", parts, args.model, means, wanted, tell=print)
    peers = plain(workshop, parts, args.model, args.work)
    start = measured(workshop, "start", args.model, test, general)
    mined = [measured(workshop, f"round {one.number}", one.in_use, test, general) for one in rounds]
    beside = [measured(workshop, f"round {at}", ref, test, general) for at, ref in enumerate(peers, 1)]
    for line in (*rows("mined", [start, *mined]), "", *rows("plain", [start, *beside])):
        print(line)
    report(args, rounds, [start, *mined], [start, *beside], time.monotonic() - began)


def report(
    args: argparse.Namespace,
    rounds: Sequence[RoundReport],
    mined: Sequence[State],
    plain: Sequence[State],
    spent: float,
) -> None:
    """Write all figures, and say whether the errors fell each round."""
    errors = [one.test.errors for one in mined]
    fell = all(after < before for before, after in pairwise(errors))
    promoted = [one.promoted for one in rounds]
    print(f"errors by round: {errors}; promoted: {promoted}; fell each round: {'yes' if fell else 'no'}; {spent:.0f} s")
    content: Mapping[str, Any] = {
        "arguments": {name: str(value) for name, value in vars(args).items()},
        "rounds": [one.to_dict() for one in rounds],
        "mined": [asdict(one) for one in mined],
        "plain": [asdict(one) for one in plain],
        "seconds": spent,
    }
    write_text(args.work / "mining_rounds.json", json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
