"""Notes the commands that are sent to MongoDB, by kind and collection."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo import monitoring

# Sent when a client is closed, or by its monitor.
OF_CLIENTS = {"endSessions", "hello", "ping"}


class Commands(monitoring.CommandListener):
    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name not in OF_CLIENTS:
            collection = event.command[name]
            self.sent[f"{name} {collection}" if isinstance(collection, str) else name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@contextmanager
def noted_commands() -> Iterator[Commands]:
    """Those of clients that are made in this block."""
    commands, listeners = Commands(), monitoring._LISTENERS.command_listeners
    listeners.append(commands)
    try:
        yield commands
    finally:
        listeners.remove(commands)
