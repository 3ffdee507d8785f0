"""A candidate that cannot do harm by failing: the champion stands behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...monitor.trial import CANDIDATE, CHAMPION
from ..queue import Rejected
from ..reading import Answer, Reader, Served, Stopped


class Guarded:
    """The readers of a candidate, each with the champion's behind it."""

    def __init__(self, candidate: Served, champion: Served, failed: Callable[[Exception], None]) -> None:
        self._failed, self._own = failed, threading.local()
        readers = {kind: self._guard(candidate.readers[kind], reader) for kind, reader in champion.readers.items()}
        self.served = replace(candidate, readers=readers)

    @property
    def arm(self) -> str:
        """Who answered last in this thread."""
        return CHAMPION if getattr(self._own, "fell", False) else CANDIDATE

    def _guard(self, first: Reader, second: Reader) -> Reader:
        def read(image: Any, stopped: Stopped) -> Answer:
            self._own.fell = False
            try:
                return first(image, stopped)
            except Rejected:
                raise
            except Exception as error:
                answer = second(image, stopped)
                self._own.fell = True
                self._failed(error)
                return answer

        return read
