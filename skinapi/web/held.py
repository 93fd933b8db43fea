"""How many bytes of photos may be in memory at a time: hosts are small, and uploads come in
crowds.
"""

import threading

from flask import g

from skinapi.errors import Unavailable

RETRY_AFTER_S = 2


class HeldBytes:
    def __init__(self, most: int) -> None:
        self._left = most
        self._turn = threading.Lock()

    def take(self, size: int) -> None:
        """Before a byte of it is read. Raises Unavailable where others hold too much already."""
        with self._turn:
            if size > self._left:
                raise Unavailable(retry_after=RETRY_AFTER_S)
            self._left -= size
        g.held_bytes = size

    def give_back(self) -> None:
        """What the request at hand took; at its end, whatever became of it."""
        with self._turn:
            self._left += g.pop("held_bytes", 0)
