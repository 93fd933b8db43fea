"""What is in the store when all is over, as plain values that a test can plant faults in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from skinapi.accounts.auth.passwords import Passwords
from skinapi.app.composition.services import Services
from skinapi.platform.storage.ports import Document


@dataclass(frozen=True)
class Contents:
    accounts: list[Document] = field(default_factory=list)
    submissions: list[Document] = field(default_factory=list)
    audit: list[Document] = field(default_factory=list)
    blobs: frozenset[str] = frozenset()
    living_tokens: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()
    matches: Callable[[str, str], bool] = lambda password, kept: password == kept


def read_contents(services: Services, living_tokens: Iterable[str] = ()) -> Contents:
    store, passwords = services.store, Passwords()
    return Contents(
        accounts=store.collection("accounts").find(),
        submissions=store.collection("submissions").find(),
        audit=store.collection("audit").find(sort="id"),
        blobs=frozenset(store.blobs.keys()),
        living_tokens=frozenset(living_tokens),
        faults=tuple(fault.message for fault in services.faults()),
        matches=passwords.matches,
    )
