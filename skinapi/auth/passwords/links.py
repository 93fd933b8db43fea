"""Links with which a forgotten password is replaced: each once, and for a limited time.

What is stored is no secret. The token in a link is an HMAC of the record's id, with the server's
key: so nobody who reads the store can make the link, and it can be made again for a mail that waits
in the outbox.
"""

import hmac
from datetime import datetime, timedelta

from skinapi.auth.accounts.accounts import Account
from skinapi.storage.ids import ID, is_ahead, new_id, now
from skinapi.storage.ports import Store
from skinapi.stored_record import StoredRecord

MAILED_LINK_LIFE = timedelta(hours=1)


class PasswordLink(StoredRecord):
    """Opens nothing where the account has got another `token_version` since."""

    id: str
    created_at: datetime
    account: str
    token_version: int
    expires_at: datetime


class PasswordLinks:
    def __init__(self, store: Store, *, key: str, console: str) -> None:
        """`console` is the address of the console, where the links lead."""
        self._key = key.encode()
        self._console = console
        self._documents = store.collection("password_links")
        self._documents.ensure_index("account")
        self._documents.expire_by("expires_at")

    def add(self, account: Account, *, life: timedelta) -> PasswordLink:
        link = PasswordLink(
            id=new_id(),
            created_at=now(),
            account=account.id,
            token_version=account.token_version,
            expires_at=now() + life,
        )
        self._documents.insert({**link.stored(), "schema": 1})
        return link

    def url(self, link_id: str) -> str:
        """The token stands behind the #, which no browser sends to a server, nor as a referrer."""
        return f"{self._console}/#/forgotten/{link_id}.{self._sign(link_id)}"

    def find(self, token: str) -> PasswordLink | None:
        """The link with this token; None where it is used, expired, or of a clock ahead."""
        link_id, _, signature = token.partition(".")
        signed = hmac.compare_digest(self._sign(link_id).encode(), signature.encode())
        found = self._documents.get(link_id) if signed and ID.fullmatch(link_id) else None
        if found is None or is_ahead(found["created_at"]):
            return None
        return PasswordLink.model_validate(found)

    def use(self, link: PasswordLink) -> bool:
        """Delete it, and all others of its account. False where it was used before."""
        if not self._documents.delete({"id": link.id}):
            return False
        self.forget(link.account)
        return True

    def forget(self, account_id: str) -> None:
        self._documents.delete({"account": account_id})

    def _sign(self, link_id: str) -> str:
        message = f"password link\n{link_id}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()
