"""What a running node tells of itself to those who look after it."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.registry import Collector

from daypass.app.house import House
from daypass.app.publishing import Publishing
from daypass.app.shipping import Shipping
from daypass.app.telling import Channels, Telling
from daypass.services.overseeing import Overseeing, Works


class Working:
    """Some of these parts may not be there: a node that only serves what can be read ships and tells nothing."""

    def __init__(self, publishing: Publishing, parts: Iterable[Collector]) -> None:
        self._publishing = publishing
        self._shipping = next((one for one in parts if isinstance(one, Shipping)), None)
        self._telling = next((one for one in parts if isinstance(one, Telling)), None)

    def works(self) -> Works:
        """How it is now."""
        shipping, publishing = self._shipping, self._publishing
        return Works(
            behind=shipping.behind if shipping is not None else 0,
            lag_ms=shipping.lag_ms if shipping is not None else 0,
            published=publishing.size,
            elsewhere=publishing.elsewhere,
            quorum=publishing.quorum,
            witnesses={name: publishing.missing.get(name, "") for name in publishing.witnesses},
            channels=self._telling.told if self._telling is not None else {},
        )


def make_overseeing(
    house: House, publishing: Publishing, parts: Iterable[Collector], channels: Channels | None
) -> Overseeing:
    """Over this node."""
    return Overseeing(
        house.office, Working(publishing, tuple(parts)), channels.carriers if channels is not None else {}
    )
