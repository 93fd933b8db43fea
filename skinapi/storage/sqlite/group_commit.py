"""Group commit: concurrent writers share one transaction, and so one wait for the disk."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, TypeVar

import apsw

from skinapi.errors import StoreUnavailable

Act = Callable[[apsw.Connection], Any]
T = TypeVar("T")


class GroupCommit:
    """`transaction` begins a transaction, and commits it if the block ends without an error."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[apsw.Connection]]) -> None:
        self._transaction = transaction
        self._waiting: deque[_Write] = deque()
        self._committing = Lock()

    def run(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in a transaction; return its result once its writes are durable.

        If `act` raises, its own writes are rolled back and this raises the same error. `act` may
        run on another writer's thread. A failed commit raises in every writer of the batch.
        """
        write = _Write(act)
        self._waiting.append(write)
        with self._committing:
            if not write.finished:  # else the previous holder of the lock has committed it too
                self._commit_waiting()
        if write.error:
            raise write.error
        result: T = write.result
        return result

    def _commit_waiting(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        # Not None: a BaseException passes by the except below, and then nothing is durable.
        failure: Exception | None = StoreUnavailable()
        try:
            with self._transaction() as connection:
                for write in batch:
                    write.attempt(connection)
            failure = None
        except Exception as error:  # noqa: BLE001 (each writer raises it on its own thread)
            failure = error
        finally:
            for write in batch:
                write.error = failure or write.error
                write.finished = True


class _Write:
    def __init__(self, act: Act) -> None:
        self._act = act
        self.finished = False
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, connection: apsw.Connection) -> None:
        """Run the writer's `act`, and keep its result or its error.

        Raises only if SQLite has rolled back the whole transaction, for all its writers.
        """
        try:
            self.result = run_in_savepoint(connection, self._act)
        except Exception as error:
            if not connection.in_transaction:
                raise
            self.error = error


def run_in_savepoint(connection: apsw.Connection, act: Callable[[apsw.Connection], T]) -> T:
    """Run `act` in a savepoint of the open transaction: if it raises, only its writes are rolled
    back. Raises StoreUnavailable if SQLite has already rolled back the transaction.
    """
    # For some errors, such as a full disk, SQLite rolls back the transaction by itself:
    # https://www.sqlite.org/lang_transaction.html
    if not connection.in_transaction:
        raise StoreUnavailable
    connection.execute("SAVEPOINT act")
    try:
        result = act(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO act")  # this leaves the savepoint open
            connection.execute("RELEASE act")
        raise
    connection.execute("RELEASE act")
    return result
