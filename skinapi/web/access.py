"""Who may call a route, in words that any room can say; `auth` enforces them.

A room here knows a subject, never an account. What is not declared is denied.
"""

from dataclasses import dataclass

from skinapi.errors import Forbidden

ROLES = ("user", "doctor", "researcher", "admin")


@dataclass(frozen=True)
class Subject:
    """Who is calling: an account that was live when the request came in, and its session."""

    id: str
    role: str
    session_id: str


@dataclass(frozen=True)
class Public:
    """Anyone, without a token."""


@dataclass(frozen=True)
class Scraper:
    """The metrics collector with the operator's token, or an admin."""


@dataclass(frozen=True)
class Signed:
    """An approved account of one of these roles; the refusal is the sentence for the others."""

    roles: tuple[str, ...] = ROLES
    refusal: str = Forbidden.sentence
    even_waiting: bool = False
    even_initial_password: bool = False


@dataclass(frozen=True)
class Opened:
    """Anyone, where the operator opened the server to one of these clients, who send no token;
    elsewhere an approved account of one of these roles.
    """

    clients: tuple[str, ...]
    roles: tuple[str, ...] = ROLES
    refusal: str = ""

    @property
    def closed(self) -> str:
        """The sentence for a caller without a token where none of these clients is open."""
        return self.refusal or closed_to(*self.clients)


def closed_to(*clients: str) -> str:
    """Which setting of the operator's would open the server to these clients."""
    settings = " or ".join(f"OPEN_{client.upper()}=true" for client in clients)
    return f"Nobody is served here without a token, unless the operator sets {settings}."


Access = Public | Scraper | Signed | Opened


def admins(refusal: str) -> Signed:
    return Signed(roles=("admin",), refusal=refusal)
