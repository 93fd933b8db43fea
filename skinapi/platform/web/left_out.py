"""Which requests may leave unreadable records out of lists, and the header that counts these."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from flask import Flask, Response, request

from skinapi.base.errors import SkinAPIError
from skinapi.platform.storage.unreadable import Name, Unreadable, current_unreadable

# `submissions=1, accounts=2`: how many records of each collection the answer does not show.
LEFT_OUT = "X-Records-Left-Out"


def count_left_out(app: Flask, note: Callable[[dict[Name, str]], object]) -> None:
    """Let requests that only read go on without damaged records, and `note` these."""

    @app.before_request
    def begin() -> None:
        reads = request.method in ("GET", "HEAD") or request.path.endswith("/_search")
        current_unreadable.set(Unreadable(leaves_out=reads))

    @app.after_request
    def add(response: Response) -> Response:
        current = current_unreadable.get()
        if current and current.hidden:
            counted = Counter(collection for collection, _ in current.hidden)
            named = ", ".join(f"{name}={count}" for name, count in sorted(counted.items()))
            response.headers[LEFT_OUT] = named
        if current and current.damaged:
            with suppress(SkinAPIError):  # on a full disk too, a list is shown
                note(current.damaged)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        current_unreadable.set(None)
