"""How long a request waits for a MongoDB that is gone, frozen or choosing a primary."""

from contextlib import AbstractContextManager
from typing import Any

import pymongo

# One limit for all of an operation: finding a server, the network, and trying again. The driver's
# timeouts for each of these add up to half a minute where the server neither answers nor hangs up.
PATIENCE: dict[str, Any] = {"timeoutMS": 4000, "connectTimeoutMS": 3000}
AT_LENGTH_S = 60


def at_length() -> AbstractContextManager[None]:
    """For what may take its time: building an index, reading or clearing a whole collection."""
    return pymongo.timeout(AT_LENGTH_S)
