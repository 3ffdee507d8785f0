"""A training run in MLflow: parameters, figures, curve and files, told once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from .connection import MODEL, SQLITE, sqlite_file
from .entries import RunFacts

FINISHED: Final = "FINISHED"
_METRICS, _PARAMS = 1000, 100
"""Most of each that MLflow takes at once."""
_Item = TypeVar("_Item")


def tell_run(client: Any, uri: str, experiment: str, facts: RunFacts, run_id: str = "") -> str:
    """Write a run, or what is missing of one, and end it; returns its id.

    It is the run `run_id` where the back end knows that, else one that made the same model, else a new one: a push
    that was cut off is taken up where it was.
    """
    place = experiment_of(client, uri, experiment)
    run_id = _known(client, run_id) or _of_model(client, place, facts.model) or begin_run(client, place, facts)
    if client.get_run(run_id).info.status == FINISHED:
        return run_id
    tell_progress(client, run_id, facts)
    for path in facts.files:
        client.log_artifact(run_id, str(path))
    if facts.model:
        client.set_tag(run_id, MODEL, facts.model)
    client.set_terminated(run_id, FINISHED, end_time=_milliseconds(facts.ended))
    return run_id


def begin_run(client: Any, experiment: str, facts: RunFacts) -> str:
    """A new run in the experiment of that id; returns its id."""
    tags = {MODEL: facts.model} if facts.model else {}
    made = client.create_run(experiment, start_time=_milliseconds(facts.began), run_name=facts.name, tags=tags)
    return str(made.info.run_id)


def tell_progress(client: Any, run_id: str, facts: RunFacts) -> None:
    """Parameters, figures, and the rows of the curve beyond the last step that is known."""
    from mlflow.entities import Metric, Param

    at = _milliseconds(facts.ended) or int(time.time() * 1000)
    known = {name: _last_step(client, run_id, name) for name in {name for name, _, _ in facts.steps}}
    rows = [(name, 0, value) for name, value in facts.metrics.items()]
    rows += [row for row in facts.steps if row[1] > known[row[0]]]
    for params in _pieces(list(facts.params.items()), _PARAMS):
        client.log_batch(run_id, params=[Param(name, value[:500]) for name, value in params])
    for metrics in _pieces(rows, _METRICS):
        client.log_batch(run_id, metrics=[Metric(name, value, at, step) for name, step, value in metrics])


def _last_step(client: Any, run_id: str, name: str) -> int:
    return max((one.step for one in client.get_metric_history(run_id, name)), default=-1)


def experiment_of(client: Any, uri: str, name: str) -> str:
    """Id of the experiment, made when it is not there; beside a SQLite file the artifacts lie beside it too."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        database = sqlite_file(uri) if uri.startswith(SQLITE) else None
        artifacts = database.with_name(f"{database.stem}-artifacts").resolve().as_uri() if database else None
        try:
            return str(client.create_experiment(name, artifact_location=artifacts))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
    return str(found.experiment_id)


def _known(client: Any, run_id: str) -> str:
    """The id itself when the back end knows the run."""
    from mlflow.exceptions import MlflowException

    if not run_id:
        return ""
    try:
        return str(client.get_run(run_id).info.run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return ""


def _of_model(client: Any, experiment: str, model: str) -> str:
    """The latest run that made a model; empty when there is none."""
    if not model:
        return ""
    found = client.search_runs([experiment], f"tags.`{MODEL}` = '{model}'", max_results=1)
    return str(found[0].info.run_id) if found else ""


def _milliseconds(moment: str) -> int | None:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else None


def _pieces(rows: Sequence[_Item], most: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(rows), most):
        yield rows[start : start + most]
