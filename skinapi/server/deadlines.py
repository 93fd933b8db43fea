"""Deadlines of a connection: how long its client may take in each state.

A large body or answer gets more time than a small one, but every connection must also make
progress: one that is silent for too long is closed before its deadline.
"""

from skinapi.server.connection import Connection, State

HEAD_SECONDS = 10.0
SILENT_SECONDS = 20.0
# The time for a body or an answer: so many seconds, and one more for each SLOWEST_RATE bytes. A
# phone with a weak signal sends 20 KB a second, so it is just fast enough.
TRANSFER_SECONDS = 20.0
SLOWEST_RATE = 16 * 1024

DRAIN_SECONDS = 30.0
DRAIN_SILENT_SECONDS = 5.0


def transfer_seconds(size: int) -> float:
    """How many seconds a client may take to send or to receive `size` bytes."""
    return TRANSFER_SECONDS + size / SLOWEST_RATE


def extra_seconds(size: int) -> float:
    """How much later the deadline of a chunked body is after `size` more bytes of it.

    Its length is not known when it begins, so the time for it grows as it arrives.
    """
    return size / SLOWEST_RATE


def is_overdue(conn: Connection, moment: float) -> bool:
    """Whether its client has been too slow or too long silent, at this time of the monotonic clock.

    Never while a thread works on its request: then the client waits for the server.
    """
    if conn.state is State.RUNNING:
        return False
    silent = DRAIN_SILENT_SECONDS if conn.state is State.DRAINING else SILENT_SECONDS
    return moment > conn.deadline or moment - conn.active_at > silent
