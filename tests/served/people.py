"""People of a served backend, written straight to its store with PASSWORD, which is hashed once."""

from dataclasses import dataclass
from typing import Any

from skinapi.accounts.auth.accounts import Accounts
from skinapi.app.composition.services import Services
from skinapi.platform.storage.ids import new_id
from tests.served.server import Server
from tests.served.wire import Answer, ask
from tests.support.backends import PASSWORD_HASH, token_for


@dataclass(frozen=True)
class Caller:
    port: int
    id: str
    email: str
    token: str

    def call(self, method: str, path: str, **options: Any) -> Answer:
        return ask(self.port, method, path, token=self.token, **options)

    def pages(self, path: str) -> list[Any]:
        items: list[Any] = []
        while path:
            answer = self.call("GET", path)
            assert answer.status == 200, answer.json
            items += answer.json
            path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        return items


class Seeder:
    """The store of a served backend, opened a second time next to the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.services: Services = server.services()
        self.accounts = Accounts(self.services.store)

    def emails(self, **fields: str) -> list[str]:
        found = self.services.store.collection("accounts").find(dict(fields))
        return [account["email"] for account in found]

    def close(self) -> None:
        self.services.store.close()

    def person(
        self, role: Any = "user", status: Any = "approved", name: str = "Ada", **fields: Any
    ) -> Caller:
        identifier = new_id()
        email = f"{role}-{identifier[-12:]}@example.org"
        self.accounts.add(
            id=identifier,
            email=email,
            name=name,
            password_hash=PASSWORD_HASH,
            role=role,
            status=status,
            **fields,
        )
        return self.caller(identifier, email)

    def caller(self, identifier: str, email: str) -> Caller:
        token = token_for(self.services, self.accounts.get(identifier))
        return Caller(self.server.port, identifier, email, token)
