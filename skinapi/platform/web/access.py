"""Who may call a route: the rules that it declares as `access`. accounts/auth/authorizer.py
enforces them.

This package knows a caller only as a subject, and nothing of its account. A route that declares
no rule is denied. The rules are by role. Who may see a finding: `get` of
findings/records/service.py.
"""

from dataclasses import dataclass

from skinapi.base.errors import Forbidden
from skinapi.base.subject import ROLES, Scope


@dataclass(frozen=True)
class Public:
    """Anyone, without a token."""


@dataclass(frozen=True)
class Scraper:
    """The metrics collector with the operator's token, or an admin."""


@dataclass(frozen=True)
class Signed:
    """An approved account that has one of these roles; accounts with other roles get `refusal`.

    `even_waiting` lets in accounts that no admin has approved yet, `even_unready` accounts
    that must first replace their initial password, or set up a second factor. A program's key gets
    in where it has one of `scopes`; a test key only where nothing is changed, or `test_keys` says
    that the route stores nothing for it. With `filed` a session key that files findings gets in,
    to read those that it has just filed. `before_another`: a proxy asks this before the request
    that counts against a key's quota.
    """

    roles: tuple[str, ...] = ROLES
    refusal: str = Forbidden.sentence
    even_waiting: bool = False
    even_unready: bool = False
    scopes: tuple[Scope, ...] = ()
    test_keys: bool = False
    filed: bool = False
    before_another: bool = False


@dataclass(frozen=True)
class Opened:
    """Anyone, where the operator opened the server to one of these clients, which send no token;
    otherwise an approved account that has one of these roles, or a key with one of `scopes`.
    """

    clients: tuple[str, ...]
    roles: tuple[str, ...] = ROLES
    refusal: str = ""
    scopes: tuple[Scope, ...] = ()

    @property
    def closed(self) -> str:
        """The sentence for a caller without a token where the operator opened none of them."""
        return self.refusal or closed_to(*self.clients)


def closed_to(*clients: str) -> str:
    """The sentence for who has no token: which clients the operator would have to open."""
    return (
        "Nobody is served here without a token, unless the operator of this server opens it to "
        f"{' or '.join(clients)}."
    )


Access = Public | Scraper | Signed | Opened


def admins(refusal: str, scopes: tuple[Scope, ...] = ()) -> Signed:
    return Signed(roles=("admin",), refusal=refusal, scopes=scopes)
