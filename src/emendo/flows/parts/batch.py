"""The steps of the flow `batch`: divide, read, put together.

Each is a process of its own, so each imports only what it needs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...tools.files import write_json, write_text
from ..orders import RESULT, BatchOrder

if TYPE_CHECKING:
    from ...pages.bulk.plan import Item

CHAMPION = "champion"


def divide(order: BatchOrder) -> list[list[str]]:
    """Plan what is to be read; the names of the shards that are open, one list for each task (one empty list when all
    is done).

    Raises UsageError for an input or model that is not there, DataError when there is nothing to read.
    """
    from ...pages.bulk.plan import make_plan

    items, refused = _items(order)
    model = _resolved(order)
    settings = order.settings
    reader = {
        "model": model,
        "content": _content(model, order),
        "read": settings.read.model_dump(mode="json"),
    }
    plan = make_plan(order.out, items, reader, shard=settings.flow.shard, refused=refused)
    names = plan.open()
    tasks = max(1, min(settings.flow.tasks, len(names)))
    return [list(names[at::tasks]) for at in range(tasks)]


def read(order: BatchOrder, names: Sequence[str]) -> dict[str, Any]:
    """Read the shards `names`; what was done, and in how many seconds."""
    from ...pages.bulk.child import Reader
    from ...pages.bulk.crew import read_shards
    from ...pages.bulk.plan import read_plan
    from ..sentences import teller

    plan = read_plan(order.out)
    reader = Reader(str(plan.reader["model"]), order.root, order.settings)
    flow = order.settings.flow
    started = time.monotonic()
    tally = read_shards(
        plan,
        names,
        reader,
        processes=order.threads,
        tries=flow.tries,
        stall_seconds=flow.stall_seconds,
        progress=teller(),
    )
    return {
        "shards": tally.shards,
        "items": tally.items,
        "errors": tally.errors,
        "deaths": tally.deaths,
        "seconds": time.monotonic() - started,
    }


def gather(order: BatchOrder, tallies: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Put all shards together; the result and the card. The result stands in `OUT/result.json` afterwards."""
    from ...pages.bulk.merge import merge
    from ...pages.bulk.plan import read_plan
    from ..cards.batch import batch_card

    plan = read_plan(order.out)
    merged = merge(plan)
    failures = [*plan.refused, *merged.errors]
    result = {
        **merged.to_dict(),
        "failed": len(failures),
        "failures": failures,
        "model": plan.reader["model"],
        "shards": len(plan.names),
        "shards_now": sum(one["shards"] for one in tallies),
        "items_now": sum(one["items"] for one in tallies),
        "deaths": sum(one["deaths"] for one in tallies),
        "seconds": max((one["seconds"] for one in tallies), default=0.0),
    }
    page = batch_card(merged.readings, result, limits=order.settings.limits)
    write_text(order.cards / "batch.html", page)
    result["cards"] = [str(order.cards / "batch.html")]
    write_json(order.out / RESULT, result)
    return result, page


def _items(order: BatchOrder) -> tuple[list[Item], tuple[str, ...]]:
    from ...pages.bulk import plan

    if order.data:
        from ...correct.references import open_data

        dataset = open_data(order.data, order.settings, order.root)
        refused = tuple(f"{one.where}:{one.line or '-'}: {one.what}" for one in dataset.rejects)
        return list(plan.items_of_samples(dataset.samples, "page" if order.pages else "line")), refused
    if order.crops:
        from ...models.crops import pictures

        return list(plan.items_of_pictures(pictures(order.inputs))), ()
    return plan.items_of_documents(order.inputs, order.settings.limits)


def _resolved(order: BatchOrder) -> str:
    """The reference of one model for the whole batch: the champion's folder where the champion is meant."""
    from ...models.references import AUTO, champion_folder

    ref = order.model or order.settings.model
    if ref not in {"", CHAMPION}:
        return ref
    folder = champion_folder(order.root) if order.root is not None else None
    if folder is None and ref == CHAMPION:
        return CHAMPION
    return str(folder) if folder is not None else AUTO


def _content(model: str, order: BatchOrder) -> str:
    """The content id of a bundle, empty for any other kind of model."""
    from ...models.bundle import Bundle
    from ...models.references import find_model

    try:
        found = find_model(model, workspace=order.root)
    except UsageError:  # auto, several models, a service: `load_recognizer` says whether it is there
        return ""
    return found.id if isinstance(found, Bundle) else ""
