"""Transactions of MongoDB, run again after a conflict:
https://www.mongodb.com/docs/manual/core/transactions-in-applications/
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import pymongo
from bson.errors import BSONError
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from skinapi.base.errors import DiskFull, Duplicate, StoreBusy, StoreUnavailable
from skinapi.platform.storage.documents import OpenTransaction
from skinapi.platform.stores.outage import ErrorContext

# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
OUT_OF_SPACE, DUPLICATE_KEY = 14031, 11000
# BadValue (a sum beyond 64 bits), TypeMismatch, IndexOptionsConflict, IndexKeySpecsConflict,
# and three codes for a document that is too large. All are errors of the caller.
CALLER_ERRORS = {2, 14, 85, 86, 10334, 17419, 17420}
LISTING_S, INDEXING_S = 15, 600
# As long as one call may take (outage.py): the caller is told to come again.
LONGEST_S = 4.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.002, 0.1
WRITE_CONFLICT = 112
RUN_AGAIN, COMMIT_AGAIN = "TransientTransactionError", "UnknownTransactionCommitResult"
T = TypeVar("T")


@contextmanager
def mongo_errors() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        raise Duplicate from error
    except BulkWriteError as error:
        codes = {fault["code"] for fault in (error.details or {}).get("writeErrors", ())}
        raise Duplicate if codes == {DUPLICATE_KEY} else StoreUnavailable from error
    except BSONError as error:
        raise ValueError("not a document that MongoDB keeps") from error
    except OperationFailure as error:
        if error.code in CALLER_ERRORS:
            raise ValueError("an operation that MongoDB refuses") from error
        raise DiskFull if error.code == OUT_OF_SPACE else StoreUnavailable from error
    except PyMongoError as error:
        raise StoreUnavailable from error


@contextmanager
def with_longer_timeout(
    client: pymongo.MongoClient[Any], seconds: float = LISTING_S
) -> Iterator[None]:
    if not client.is_primary:  # the driver knows it from its own monitoring
        raise StoreUnavailable
    with pymongo.timeout(seconds):
        yield


class OpenMongoTransaction(OpenTransaction):
    """`make_room` is set by a call that failed because an expired document has its unique key."""

    def __init__(self, session: ClientSession) -> None:
        super().__init__()
        self.session = session
        self.make_room: Callable[[], object] | None = None


class MongoTransactions:
    def __init__(self, client: pymongo.MongoClient[Any], error_context: ErrorContext) -> None:
        self._client = client
        self._error_context = error_context
        self._open = ContextVar[OpenMongoTransaction | None]("open_transaction", default=None)

    @property
    def open(self) -> OpenMongoTransaction | None:
        return self._open.get()

    def run(self, act: Callable[[], T]) -> T:
        if opened := self.open:
            with opened.noted_failure():
                return act()
        deadline = time.monotonic() + LONGEST_S
        wait, room_made = FIRST_WAIT_S, False
        with self._error_context():
            session = self._client.start_session()
        with session:
            while True:
                opened = OpenMongoTransaction(session)
                try:
                    return self._attempt(opened, act)
                except Duplicate:
                    if room_made or opened.make_room is None:
                        raise
                    opened.make_room()
                    room_made = True
                except StoreUnavailable as error:
                    over = time.monotonic() + wait > deadline
                    if over and getattr(error.__cause__, "code", None) == WRITE_CONFLICT:
                        raise StoreBusy from error
                    if over or not _says(error, RUN_AGAIN):
                        raise
                    time.sleep(random.uniform(0, wait))  # noqa: S311 (spreads the retries)
                    wait = min(2 * wait, LONGEST_WAIT_S)

    def _attempt(self, opened: OpenMongoTransaction, act: Callable[[], T]) -> T:
        token = self._open.set(opened)
        durable = ReadConcern("snapshot"), WriteConcern("majority", j=True)
        try:
            with opened.session.start_transaction(*durable):
                result = act()
                opened.raise_failure()
                self._commit(opened.session)
        finally:
            self._open.reset(token)
        return result

    def _commit(self, session: ClientSession) -> None:
        """Commit, and repeat if it is unknown whether the first commit arrived, which is then
        harmless.
        """
        try:
            with self._error_context():
                session.commit_transaction()
        except StoreUnavailable as error:
            if not _says(error, COMMIT_AGAIN):
                raise
            with pymongo.timeout(LONGEST_S):
                _commit_again(session, until=time.monotonic() + LONGEST_S)


def _commit_again(session: ClientSession, *, until: float) -> None:
    """Commit past the circuit breaker. Otherwise nobody would learn if the change is stored."""
    while True:
        try:
            with mongo_errors():
                session.commit_transaction()
        except StoreUnavailable as error:
            if not _says(error, COMMIT_AGAIN) or time.monotonic() > until:
                raise
        else:
            return


def _says(error: StoreUnavailable, label: str) -> bool:
    cause = error.__cause__
    return isinstance(cause, PyMongoError) and cause.has_error_label(label)
