"""What the flows share: their card, and the beginning of a step."""

from __future__ import annotations

from typing import Any, TypeVar

from metaflow.cards import MetaflowCard
from metaflow.plugins import CARDS

from emendo.flows.orders import Order
from emendo.flows.sentences import stay_with_parent

Kind = TypeVar("Kind", bound=Order)


class PageCard(MetaflowCard):
    """A card that is a page of our own: the artifact `page` of the step, HTML as it stands."""

    type = "emendo_page"

    def render(self, task: Any) -> str:
        """The page."""
        return str(task["page"].data)


CARDS.append(PageCard)
stay_with_parent()


def order_of(kind: type[Kind], config: Any) -> Kind:
    """The order of a flow out of Metaflow's configuration value."""
    return kind.model_validate(config.to_dict())
