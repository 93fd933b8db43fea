"""One connection of the worker (buffering_worker.py), and the memory that bodies may use."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from socket import socket
from typing import Any

from skinapi.server.buffered_request import BufferedRequest, body_after

# A body is stalled when less than STALLED_BYTES of it arrived in the last STALLED_SECONDS. Stalled
# bodies are refused first when memory runs out, also where they were fast at the beginning.
STALLED_BYTES = 32 * 1024
STALLED_SECONDS = 1.0


class State(Enum):
    HEAD = "waiting for a head"
    BODY = "waiting for a body"
    RUNNING = "in a thread, or waiting for one"
    ANSWER = "sending an answer"
    DRAINING = "reading bytes only to discard them"
    ENDED = "closed"


@dataclass(eq=False)
class Connection:
    """One client's socket, its state and deadline, and the request that is under way on it.

    `since` is when the state began, `active_at` when the client last sent or received a byte, and
    `progress_at` when the body had last grown by STALLED_BYTES: all by the monotonic clock.
    `on_event` is called for an event of the socket, `on_progress` after the state has changed and
    after a body has grown or an answer was sent in part.
    """

    sock: socket
    client: Any
    server: Any
    address: str
    state: State = State.HEAD
    since: float = 0.0
    active_at: float = 0.0
    deadline: float = 0.0
    unread: bytearray = field(default_factory=bytearray)
    request: BufferedRequest = field(init=False)
    keep_alive: bool = False
    held: int = 0
    held_at_progress: int = 0
    progress_at: float = 0.0
    on_event: Callable[["Connection"], None] | None = None
    on_progress: Callable[["Connection"], None] | None = None
    unsent: deque[memoryview] = field(default_factory=deque)
    left_to_drain: int = 0

    def __post_init__(self) -> None:
        self.begin_request(b"")

    def begin_request(self, head: bytes) -> None:
        self.request = BufferedRequest(self.sock, head, body_after(head))

    @property
    def owner(self) -> str | None:
        """Whose share of the memory its body uses: an account's, or an address's where there is no
        account; None before the request is admitted.
        """
        return self.request.admission.owner if self.request.admission else None

    def enter(self, state: State, seconds: float) -> None:
        """Change the state; its deadline is in so many seconds."""
        self.state = state
        self.since = self.active_at = self.progress_at = time.monotonic()
        self.deadline = self.since + seconds
        self.note_progress()

    def note_progress(self) -> None:
        """Its client has done something: from now on it waits for the next."""
        if self.on_progress:
            self.on_progress(self)

    def hold(self, size: int) -> None:
        """Count `size` more bytes of its body as held in memory."""
        self.held += size
        if self.held - self.held_at_progress >= STALLED_BYTES:
            self.held_at_progress, self.progress_at = self.held, time.monotonic()
            self.note_progress()


class BodyMemory:
    """Bounds the space for request bodies, from their arrival to the end of their requests: the
    memory, or the disk space of those that are kept in files.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0

    def add(self, conn: Connection, size: int) -> None:
        conn.hold(size)
        self._held += size

    def release(self, conn: Connection) -> None:
        self._held -= conn.held
        conn.held = conn.held_at_progress = 0

    def to_refuse(self, connections: Iterable[Connection], newest: Connection) -> Connection | None:
        """Which body to refuse after that of `newest` has grown; None while there is room.

        Where the owner of `newest` uses more than half of the memory for several bodies, it is one
        of these. Otherwise it is any body: a stalled one, or one of the owner that uses most.
        """
        if self._held <= self._most // 2:
            return None
        arriving = [one for one in connections if one.state is State.BODY and one.held]
        own = [one for one in arriving if one.owner and one.owner == newest.owner]
        if len(own) > 1 and sum(one.held for one in own) > self._most // 2:
            return _stalled_or_largest(own)
        return _stalled_or_largest(arriving or [newest]) if self._held > self._most else None


def _stalled_or_largest(among: list[Connection]) -> Connection:
    """The body that is stalled longest, else the newest of the owner that uses most memory: so an
    owner that uses little loses none.
    """
    longest = min(among, key=lambda one: one.progress_at)
    if time.monotonic() - longest.progress_at >= STALLED_SECONDS:
        return longest
    held: Counter[str | None] = Counter()
    for one in among:
        held[one.owner] += one.held
    return max(among, key=lambda one: (held[one.owner], one.since))
