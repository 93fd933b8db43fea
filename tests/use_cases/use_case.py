from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from skinapi.platform.storage.ports import Document
from tests.support.backends import Backend


@dataclass(frozen=True)
class UseCase:
    """`prepare` makes people and data of its own, and may be called often on one store. `act` is
    one request, and `view` what anybody sees of it afterwards through the API, without ids, times
    and numbers, so that two runs can be compared.
    """

    name: str
    prepare: Callable[[Backend], Any]
    act: Callable[[Backend, Any], object]
    view: Callable[[Backend, Any], Any]


def notices_to(backend: Backend, account: str) -> list[str]:
    """Return the kinds of the notices that wait to be mailed to this account."""
    rows = backend.services.store.collection("outbox").find({"account": account}, sort="id")
    return [row["kind"] for row in rows]


def acts_on(backend: Backend, target: str) -> list[tuple[str, str]]:
    """Return the actions in the audit trail for this target, in their order."""
    return acts_in(backend.services.store.collection("audit").find({"target": target}, sort="id"))


def acts_in(rows: Iterable[Document]) -> list[tuple[str, str]]:
    """Return actions and outcomes, without the rows that reading leaves."""
    return [(row["action"], row["outcome"]) for row in rows if row["action"] != "record.read"]
