"""The driver's errors, said in the house's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import DuplicateKeyError, PyMongoError, WriteError

from skinapi.errors import Duplicate, StoreUnavailable

TYPE_MISMATCH = 14


@contextmanager
def mongo_errors() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        raise Duplicate from error
    except WriteError as error:
        if error.code == TYPE_MISMATCH:
            raise ValueError("not a number") from error
        raise StoreUnavailable from error
    except PyMongoError as error:
        raise StoreUnavailable from error
