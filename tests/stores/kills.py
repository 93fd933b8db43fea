"""Stops a use case before any command that it sends to its store, as if its process were killed:
nothing is sent afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

import pytest

from skinapi.base.errors import SkinAPIError
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.stores.mongo_documents import MongoDocuments
from skinapi.platform.stores.mongo_store import GridBlobs, MongoStore
from skinapi.platform.stores.sqlite_documents import SqliteDocuments
from skinapi.platform.stores.sqlite_store import SqliteStore

COMMANDS = (
    *("insert", "insert_many", "get", "find", "count", "count_by"),
    *("update", "update_all", "set_each", "delete"),
)
BLOB_COMMANDS = ("put", "put_as", "delete")


class Killed(BaseException):
    """Passes every `except Exception`, as the end of the process would."""


class Again(SkinAPIError):
    """Rolls a transaction back, which is then run again."""


class Kills:
    """`sent` counts commands, including commits."""

    def __init__(self) -> None:
        self.sent = 0
        self._fatal: int | None = None
        self._twice = False
        self._depth = 0

    @contextmanager
    def before(self, command: int) -> Iterator[None]:
        """Stop the block before this command, counted from 0, if it sends that many."""
        self.sent, self._fatal = 0, command
        try:
            with suppress(Killed):
                yield
        finally:
            self._fatal = None

    @contextmanager
    def counted(self) -> Iterator[None]:
        self.sent = 0
        yield

    @contextmanager
    def each_act_twice(self) -> Iterator[None]:
        """Roll each transaction of the block back once, just before its commit."""
        self._twice = True
        try:
            yield
        finally:
            self._twice = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for documents in (SqliteDocuments, MongoDocuments):
            for method in COMMANDS:
                patch.setattr(documents, method, self._stopping(getattr(documents, method)))
        for blobs in (FileBlobs, GridBlobs):
            for method in BLOB_COMMANDS:
                patch.setattr(blobs, method, self._stopping(getattr(blobs, method)))
        for store in (SqliteStore, MongoStore):
            patch.setattr(store, "transaction", self._transaction(store.transaction))

    def _step(self) -> None:
        if self._fatal is not None and self.sent >= self._fatal:
            raise Killed
        self.sent += 1

    def _stopping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def call(*args: Any, **options: Any) -> Any:
            self._step()
            return original(*args, **options)

        return call

    def _transaction(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def transaction(store: Any, act: Callable[[], Any]) -> Any:
            if self._depth:
                return original(store, act)

            def committed() -> Any:
                result = act()
                self._step()  # the commit
                return result

            def rolled_back() -> None:
                act()
                raise Again

            self._depth += 1
            try:
                if self._twice:
                    with pytest.raises(Again):
                        original(store, rolled_back)
                return original(store, committed)
            finally:
                self._depth -= 1

        return transaction
