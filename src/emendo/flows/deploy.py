"""A flow given to a scheduler that starts it: Argo Workflows on Kubernetes, Step Functions for AWS Batch."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from ..errors import EngineError, UsageError
from .engine import Flow, base_command, decorators_of, environment

SCHEDULERS: Final = {"kubernetes": "argo-workflows", "batch": "step-functions"}
CRON: Final = {"hourly": "0 * * * ? *", "daily": "0 0 * * ? *", "weekly": "0 0 ? * SUN *"}
"""Cron expressions of EventBridge (minute, hour, day, month, day of the week, year), which Metaflow takes for both."""
_SHOWN: Final = "METAFLOW_"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What would be created: by which command, with which decorators and when it starts (empty: by hand)."""

    flow: Flow
    cron: str

    @property
    def scheduler(self) -> str:
        """Metaflow's name of the scheduler."""
        return SCHEDULERS[self.flow.settings.engine]

    @property
    def command(self) -> list[str]:
        """The command that creates it."""
        plan = ["--config-value", "plan", f'{{"cron": "{self.cron}"}}']
        workers = ["--max-workers", str(self.flow.workers)]
        return [*base_command(self.flow), *plan, self.scheduler, "create", *workers]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of Metaflow that the command needs."""
        return {name: value for name, value in sorted(environment(self.flow).items()) if name.startswith(_SHOWN)}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "flow": self.flow.name,
            "scheduler": self.scheduler,
            "schedule": self.cron,
            "decorators": decorators_of(self.flow.settings),
            "environment": self.environment,
            "command": self.command,
            "order": self.flow.order.model_dump(mode="json"),
        }

    def sentences(self) -> list[str]:
        """For a person, the command as a shell takes it."""
        shown = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return [
            f"{self.flow.name} for {self.scheduler}, starts {self.cron or 'by hand'}",
            *(f"each step: {one}" for one in decorators_of(self.flow.settings)),
            " ".join([*shown, shlex.join(self.command)]),
        ]


def plan_deployment(flow: Flow) -> Deployment:
    """What the settings make of a flow. Raises UsageError where they name no cluster, or no schedule that can be."""
    settings = flow.settings
    if settings.engine not in SCHEDULERS:
        remedy = "set flow.engine to kubernetes or batch; on one machine use a timer (deploy/emendo-flow-train.timer)"
        raise UsageError("nothing can be deployed with flow.engine 'local'", remedy=remedy)
    decorators_of(settings)
    cron = CRON.get(settings.schedule, settings.schedule)
    if cron and not 5 <= len(cron.split()) <= 6:
        remedy = f"write {', '.join(CRON)}, or minute hour day month weekday"
        raise UsageError(f"flow.schedule {settings.schedule!r} is no cron expression", remedy=remedy)
    return Deployment(flow, cron)


def create(deployment: Deployment) -> str:
    """Create it; what Metaflow says. Raises EngineError when Metaflow is not installed or fails."""
    needed = "kubernetes" if deployment.scheduler == "argo-workflows" else "boto3"
    for package in ("metaflow", needed):
        if find_spec(package) is None:
            raise EngineError(f"this needs {package}, which is not installed", remedy=f"pip install {package}")
    surroundings = {**os.environ, **environment(deployment.flow)}
    done = subprocess.run(deployment.command, env=surroundings, capture_output=True, text=True, check=False)
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode:
        raise EngineError(f"{deployment.scheduler} was not created: {said[-1] if said else 'it said nothing'}")
    return "\n".join(said)
