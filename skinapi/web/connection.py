"""One connection of the worker (server_worker.py), and whose body goes where memory runs out."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from socket import socket
from typing import Any

from skinapi.web.buffering import BufferedRequest, body_behind

# A body of which less than this has come for so long is the first to go where memory runs out,
# however fast it began.
STALLED_BYTES = 32 * 1024
STALLED_SECONDS = 1.0


class State(Enum):
    HEAD = "waiting for a head"
    BODY = "waiting for a body"
    RUNNING = "in a thread, or waiting for one"
    ANSWER = "sending an answer"
    READ_OFF = "reading off what nobody wants"
    ENDED = "closed"


@dataclass(eq=False)
class Connection:
    """`since` is when the state began, `heard_at` when the client last sent or took a byte, and
    `moved_at` when the body had last grown by STALLED_BYTES.
    """

    sock: socket
    client: Any
    server: Any
    address: str
    state: State = State.HEAD
    since: float = 0.0
    heard_at: float = 0.0
    deadline: float = 0.0
    unread: bytearray = field(default_factory=bytearray)
    request: BufferedRequest = field(init=False)
    goes_on: bool = False
    held: int = 0
    held_when_moved: int = 0
    moved_at: float = 0.0
    watched: Callable[["Connection"], None] | None = None
    unsent: deque[memoryview] = field(default_factory=deque)
    left_to_read: int = 0

    def __post_init__(self) -> None:
        self.begin_request(b"")

    def begin_request(self, head: bytes) -> None:
        self.request = BufferedRequest(self.sock, head, body_behind(head))

    @property
    def owner(self) -> str | None:
        """Who answers for the memory of its body: an account, or an address without one."""
        return self.request.admission.owner if self.request.admission else None

    def enter(self, state: State, seconds: float) -> None:
        self.state = state
        self.since = self.heard_at = self.moved_at = time.monotonic()
        self.deadline = self.since + seconds

    def hold(self, size: int) -> None:
        """So many bytes more of its body are in memory."""
        self.held += size
        if self.held - self.held_when_moved >= STALLED_BYTES:
            self.held_when_moved, self.moved_at = self.held, time.monotonic()


class BodyMemory:
    """How many bytes of bodies are in memory, from their arrival to the end of their requests."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0

    def add(self, conn: Connection, size: int) -> None:
        conn.hold(size)
        self._held += size

    def release(self, conn: Connection) -> None:
        self._held -= conn.held
        conn.held = conn.held_when_moved = 0

    def to_refuse(self, connections: Iterable[Connection], newest: Connection) -> Connection | None:
        """Whose body must go after `newest` has grown: one of the same owner where that holds more
        than half, else whoever has stalled, or holds most; None where there is room.
        """
        if self._held <= self._most // 2:
            return None
        arriving = [one for one in connections if one.state is State.BODY and one.held]
        own = [one for one in arriving if one.owner and one.owner == newest.owner]
        if len(own) > 1 and sum(one.held for one in own) > self._most // 2:
            return _stalled_or_largest(own)
        return _stalled_or_largest(arriving or [newest]) if self._held > self._most else None


def _stalled_or_largest(among: list[Connection]) -> Connection:
    """The last to come of the owner who holds most: who comes with little is not the one to go."""
    longest = min(among, key=lambda one: one.moved_at)
    if time.monotonic() - longest.moved_at >= STALLED_SECONDS:
        return longest
    held: Counter[str | None] = Counter()
    for one in among:
        held[one.owner] += one.held
    return max(among, key=lambda one: (held[one.owner], one.since))
