"""Refuses what pages of other sites send without a token.

A browser sends a form of any page to any address, and keeps only the answer from the page (CORS).
Where no token is asked, such a request would do what it asks. And a name of a stranger that leads
to 127.0.0.1 (DNS rebinding) makes the stranger's page one of the server's own: its Host gives it
away. Programs other than browsers send no Origin, and are served.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Request

from skinapi.errors import Forbidden
from skinapi.web.answers.response_headers import LOOPBACK_HOST

OTHER_PAGE = (
    "A page of another site asks, which is not served here without a token, unless the operator of "
    "this server allows its address"
)
OTHER_NAME = (
    "Without a token this server is reached by the names of this machine alone, such as "
    "http://localhost or http://127.0.0.1"
)


@dataclass(frozen=True)
class ForeignPages:
    """`allowed` are the origins that may ask, `address` is the server's own, and with `loopback` it
    listens on this machine alone.
    """

    allowed: Sequence[re.Pattern[str]]
    address: str
    loopback: bool

    def refuse(self, request: Request) -> None:
        """Raises Forbidden for a request of another site's page, or by a stranger's name."""
        host = request.headers.get("Host", "").lower()
        own = urlsplit(self.address)
        if self.loopback and host not in ("", own.netloc) and not LOOPBACK_HOST.fullmatch(host):
            raise Forbidden(OTHER_NAME)
        origin = request.headers.get("Origin")
        # Browsers alone set it: https://www.w3.org/TR/fetch-metadata/
        site = request.headers.get("Sec-Fetch-Site")
        if site == "same-origin":
            return
        if origin is None:
            if site == "cross-site":
                raise Forbidden(OTHER_PAGE)
            return
        own_origins = (f"{own.scheme}://{own.netloc}", f"http://{host}", f"https://{host}")
        if origin not in own_origins and not any(each.match(origin) for each in self.allowed):
            raise Forbidden(OTHER_PAGE)
