"""Which release a device takes: the newest that its group is offered, that it has a share in, and that is not bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emendo.models.channel import Listing, in_share

from .device import State
from .trust import Offer


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do: put `offer` in use (None: nothing), or give back what is in use, which was withdrawn."""

    offer: Offer | None = None
    number: int = 0
    withdrawn: bool = False


def choose(offers: Sequence[Offer], state: State, group: str, device: str) -> Choice:
    """The choice of a device.

    A device that has a release keeps it while its share shrinks or its group offers nothing; it goes back only when its
    own was withdrawn.
    """
    listed = {
        (offer.release.bundle, listing.number): (offer, listing)
        for offer in offers
        if (listing := offer.release.groups.get(group)) is not None
    }
    open_to = [(listing.number, offer) for offer, listing in listed.values() if _open(offer, listing, state, device)]
    number, newest = max(open_to, key=lambda one: one[0], default=(0, None))
    own = state.release
    if own is None:
        return Choice(newest, number)
    held = listed.get((own.bundle, own.number))
    if held is not None and held[1].withdrawn:
        return Choice(withdrawn=True)
    return Choice(newest, number) if number > own.number else Choice()


def _open(offer: Offer, listing: Listing, state: State, device: str) -> bool:
    bundle = offer.release.bundle
    return (
        not listing.withdrawn and in_share(device, bundle, listing.share) and not state.is_bad(bundle, listing.number)
    )
