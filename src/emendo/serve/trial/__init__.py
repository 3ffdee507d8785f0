"""A trial of two models on the service: the plan, the lane in which is read along, what goes on and is remembered."""

from .plan import Plan, judged, read_plan
from .trials import Trials

__all__ = ["Plan", "Trials", "judged", "read_plan"]
