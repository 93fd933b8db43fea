"""How often keys are used, and when last: counted in memory, and written once a minute.

A write for each request would double what a request costs the store, and all requests of a key
would wait for one document. A process that is killed loses the counts of its last minute.
"""

import threading
from datetime import datetime
from typing import NamedTuple

from skinapi.base.errors import SkinAPIError
from skinapi.base.logs import log
from skinapi.integrations.keys.api_keys import ApiKey, ApiKeys
from skinapi.platform.storage.background import PeriodicThread
from skinapi.platform.storage.ids import now

WRITE_EVERY_S = 60.0


class _Counted(NamedTuple):
    uses: int
    used_at: datetime


class KeyUses(PeriodicThread):
    """At most one write a minute for each key, in each process."""

    def __init__(self, keys: ApiKeys) -> None:
        super().__init__("key-uses", every_s=WRITE_EVERY_S, failure="uses of keys not written")
        self._keys = keys
        self._lock = threading.Lock()
        self._counted: dict[str, _Counted] = {}

    def count(self, key: str) -> None:
        self._add(key, _Counted(1, now()))

    def with_unwritten(self, key: ApiKey) -> ApiKey:
        """The key with what this process has counted and not written yet."""
        counted = self._counted.get(key.id)
        if counted is None:
            return key
        return key.model_copy(update={"uses": key.uses + counted.uses, "used_at": counted.used_at})

    def make_pass(self) -> None:
        """Write what was counted. Where the store refuses, it is kept for the next pass."""
        with self._lock:
            taken, self._counted = self._counted, {}
        while taken:
            key, counted = taken.popitem()
            try:
                self._keys.add_uses(key, counted.uses, counted.used_at)
            except SkinAPIError:
                for other, missed in ((key, counted), *taken.items()):
                    self._add(other, missed)
                raise

    def stop(self) -> None:
        """Write what is left, too."""
        super().stop()
        try:
            self.make_pass()
        except SkinAPIError as error:
            log.error("count_lost", fields=["uses"], code=error.code)

    def _add(self, key: str, more: _Counted) -> None:
        with self._lock:
            had = self._counted.get(key)
            uses = more.uses + (had.uses if had else 0)
            used_at = max(more.used_at, had.used_at) if had else more.used_at
            self._counted[key] = _Counted(uses, used_at)
