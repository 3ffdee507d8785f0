"""The dashboard and the alerts ask for counts that the service really shows, by labels that these have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from emendo.monitor import Captures
from emendo.monitor.capture import Capture
from emendo.serve.service import Service

from .served import LINES, client_of, colour_model, png, settings_of

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SCRAPED: dict[str, set[str]] = {"up": set()}
"""What Prometheus itself knows of each place that it asks, and the labels that it adds to everything."""
PLACE = {"job", "instance"}
_NAME = re.compile(r"\b((?:emendo|process|python)_\w+|up\b)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_BY = re.compile(r"\bby\s*\(([^)]*)\)")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The counts of a service that has seen everything, and their labels."""
    folder = tmp_path_factory.mktemp("served")
    settings = settings_of(**LINES, model=str(colour_model(folder / "model")), capture__share=1.0)
    service = Service(settings, capture=Capture(Captures(folder / "captures"), settings.capture))
    (folder / "captures").mkdir()
    (folder / "captures" / "monitor.json").write_text('{"alerts": ["drift"], "measures": {"cer": 0.1}}')
    with client_of(service) as client:
        said = client.post("/v1/read", content=png("a")).json()
        client.post("/v1/read", content=b"bad")
        client.post("/v1/feedback", json={"id": said["id"], "text": "b"})
        service.turned_away([], "full")
        service.metrics.swaps.labels("swapped").inc()
        lines = client.get("/metrics").text.splitlines()
    found: dict[str, set[str]] = {}
    for line in lines:
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def checked(expression: str, known: dict[str, set[str]]) -> list[str]:
    """The counts that an expression names, once each and its labels are known."""
    names = []
    labels: set[str] = set(PLACE)
    for match in _NAME.finditer(expression):
        name, asked = match.group(1), set(_LABEL.findall(match.group(2) or ""))
        assert name in known or name in SCRAPED, f"{name} of {expression!r} is not shown by the service"
        own = known.get(name, set()) | PLACE
        assert asked <= own, f"{name} has no labels {asked - own}"
        names.append(name)
        labels |= own
    for listed in _BY.findall(expression):
        grouped = {one.strip() for one in listed.split(",")}
        assert grouped <= labels, f"{expression!r} groups by {grouped - labels}, which nothing in it has"
    assert names and expression.count("(") == expression.count(")"), expression
    return names


def targets(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and expression of each query."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def test_the_dashboard_asks_for_what_is_shown(shown: dict[str, set[str]]) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "emendo.json").read_text(encoding="utf-8"))
    queries = list(targets(dashboard))
    used = {name for _, expression in queries for name in checked(expression, shown)}
    assert len(queries) > 30 and {"emendo_confidence_bucket", "emendo_alert", "process_open_fds"} <= used
    ours = {name for name in shown if re.match(r"emendo_(?!trial_)", name) and not name.endswith("_created")}
    assert ours - used <= {"emendo_queue_seconds_count", "emendo_queue_seconds_sum", "emendo_read_seconds_sum"}
    panels = dashboard["panels"]
    assert len({one["id"] for one in panels}) == len(panels) and all(
        one["description"] for one in panels if "targets" in one
    )
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query":
            checked(one["query"]["query"], shown)
    checked(dashboard["annotations"]["list"][0]["expr"], shown)
    cells = [
        (x, y)
        for one in panels
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24, "panels lie over each other"


def test_the_alerts_ask_for_what_is_shown(shown: dict[str, set[str]]) -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 8
    for rule in rules:
        checked(rule["expr"], shown)
        assert rule["labels"]["severity"] in {"page", "warn"} and rule["annotations"]["description"].endswith(".")
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert [(DEPLOY / "prometheus" / name).is_file() for name in config["rule_files"]] == [True]
    assert [one["job_name"] for one in config["scrape_configs"]] == ["emendo"]


@pytest.mark.parametrize(
    "expression", ["rate(emendo_nothing[5m])", 'emendo_ready{kind="line"}', "sum by (le) (emendo_ready)"]
)
def test_what_is_not_shown_is_found(shown: dict[str, set[str]], expression: str) -> None:
    with pytest.raises(AssertionError):
        checked(expression, shown)
