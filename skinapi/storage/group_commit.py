"""Writers that come at the same moment share one transaction, and so one wait for the disk."""

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
    """`transaction` begins one and commits it when it is left without an error."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[apsw.Connection]]) -> None:
        self._transaction = transaction
        self._waiting: deque[_Write] = deque()
        self._committing = Lock()

    def run(self, act: Callable[[apsw.Connection], T]) -> T:
        """What `act` returns, once that is durable; or what it raised, and then it did nothing.

        It may run on another writer's thread. A commit that fails is every sharer's failure.
        """
        write = _Write(act)
        self._waiting.append(write)
        with self._committing:
            if not write.over:  # else whoever held the lock before has seen to it
                self._commit_waiting()
        if write.error:
            raise write.error
        result: T = write.result
        return result

    def _commit_waiting(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        failure: Exception | None = StoreUnavailable()  # unless told otherwise, nothing is durable
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
                write.over = True


class _Write:
    def __init__(self, act: Act) -> None:
        self._act = act
        self.over = False
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, connection: apsw.Connection) -> None:
        """Raises where SQLite has undone the whole transaction."""
        try:
            self.result = undone_alone(connection, self._act)
        except Exception as error:
            if not connection.in_transaction:
                raise
            self.error = error


def undone_alone(connection: apsw.Connection, act: Callable[[apsw.Connection], T]) -> T:
    """Carry out `act` within a transaction, so that where it raises it did nothing."""
    if not connection.in_transaction:  # SQLite undid it, as it does where the disk is full
        raise StoreUnavailable
    connection.execute("SAVEPOINT act")
    try:
        result = act(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO act")
            connection.execute("RELEASE act")
        raise
    connection.execute("RELEASE act")
    return result
