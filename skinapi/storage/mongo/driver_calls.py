"""What surrounds calls of the MongoDB driver: the errors that callers know, and more time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from bson.errors import BSONError
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from skinapi.errors import DiskFull, Duplicate, StoreUnavailable

# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
OUT_OF_SPACE, DUPLICATE_KEY = 14031, 11000
# BadValue (a sum beyond 64 bits), TypeMismatch, IndexOptionsConflict, IndexKeySpecsConflict,
# and three codes for a document that is too large. All are errors of the caller.
CALLER_ERRORS = {2, 14, 85, 86, 10334, 17419, 17420}


LISTING_S, INDEXING_S = 15, 600


@contextmanager
def mongo_errors() -> Iterator[None]:
    """Raise Duplicate, DiskFull, StoreUnavailable or ValueError instead of the driver's errors."""
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
    """Allow a slow operation `seconds`: reading or clearing a whole collection, building an index.

    Raises StoreUnavailable at once if no primary is known, so that nobody waits that long for a
    server that is gone.
    """
    # The driver answers this from its own monitoring, without a request where it can.
    if not client.is_primary:
        raise StoreUnavailable
    with pymongo.timeout(seconds):
        yield
