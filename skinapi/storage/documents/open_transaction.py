"""What a transaction that is under way remembers, in either store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class OpenTransaction:
    """An error of a call ends the transaction, also where the caller catches it: MongoDB has rolled
    it back by then.
    """

    def __init__(self) -> None:
        self._failure: Exception | None = None

    @contextmanager
    def noted_failure(self) -> Iterator[None]:
        """Surround each call. Raises the error of an earlier one again."""
        if self._failure:
            raise self._failure
        try:
            yield
        except Exception as error:
            self._failure = error
            raise

    def run(self, act: Callable[[], T]) -> T:
        """Run the whole of the transaction, but for its commit."""
        result = act()
        if self._failure:
            raise self._failure
        return result
