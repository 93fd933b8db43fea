"""The collection of persons who came with a file of another server: which server made it, and what
of the file is history there, and no data of this server: the account, the consents that were given
there, and the audit rows.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from skinapi.errors import BlobDamaged
from skinapi.storage.ports import Document, Store
from skinapi.stored_record import StoredRecord

COLLECTION = "imported_persons"


class ImportedPerson(StoredRecord):
    """`account` is the account here, `account_there` the one that the file is about. `fingerprint`
    is that of the key that has signed it, `sha256` that of its manifest. `history_blob` holds the
    files that say what happened there, with the manifest and the signature that prove it.
    """

    id: str
    created_at: datetime
    account: str
    account_there: str
    made_at: datetime
    address: str
    clinic: str | None = None
    software: str
    fingerprint: str
    sha256: str
    history_blob: str | None = None


class ImportedPersons:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection(COLLECTION)
        self._documents.ensure_index("account", "id")
        self._documents.ensure_index("fingerprint", "account_there", "id")
        self._blobs = store.blobs

    def add(self, imported: ImportedPerson) -> None:
        self._documents.insert({**imported.stored(), "schema": 1})

    def find_same(self, fingerprint: str, account_there: str) -> ImportedPerson | None:
        """The import of this person of this server."""
        same: Document = {"fingerprint": fingerprint, "account_there": account_there}
        found = self._documents.find(same, limit=1)
        return ImportedPerson.model_validate(found[0]) if found else None

    def list_of(self, account: str) -> list[ImportedPerson]:
        """With which files this account came; the oldest first."""
        found = self._documents.find({"account": account})
        return [ImportedPerson.model_validate(one) for one in found]

    def read_history(self, imported: ImportedPerson) -> dict[str, bytes]:
        """The files that were kept, by their paths; none where they are lost or damaged."""
        try:
            kept = self._blobs.find(imported.history_blob) if imported.history_blob else None
        except BlobDamaged:
            return {}
        told: dict[str, str] = json.loads(kept) if kept else {}
        return {path: text.encode() for path, text in told.items()}

    def forget(self, account: str) -> None:
        """Idempotent."""
        for one in self.list_of(account):
            if one.history_blob:
                self._blobs.delete(one.history_blob)
        self._documents.delete({"account": account})


def pack_history(files: Mapping[str, bytes]) -> bytes:
    return json.dumps({path: content.decode() for path, content in files.items()}).encode()
