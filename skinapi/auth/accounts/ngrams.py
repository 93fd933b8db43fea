"""An n-gram index: which accounts have five given characters in a row in their search text.

Each record is one n-gram of one account, and is nothing but its id: the n-gram, then the account's
id. So the records of an n-gram stand together in the order in which the accounts registered, and
those that begin with a shorter text stand together too.

They are written in the transaction of the account.
"""

from skinapi.storage.ports import Store

LENGTH = 5
END = "\n" * (LENGTH - 1)  # so that an n-gram begins with each character of a text, also the last
LAST = "\U0010ffff"
READ_AT_ONCE = 5000


class NgramIndex:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("account_ngrams")

    def add(self, account_id: str, text: str) -> None:
        self._documents.insert_many([{"id": key} for key in _keys(account_id, text)])

    def remove(self, account_id: str, text: str) -> None:
        self._documents.delete({"id": {"$in": _keys(account_id, text)}})

    def of_others(self, accounts: set[str]) -> dict[str, list[str]]:
        """The records of accounts that are not among these, by account."""
        found: dict[str, list[str]] = {}
        after = None
        while read := self._documents.find(after=after, limit=READ_AT_ONCE, fields=()):
            after = read[-1]["id"]
            for document in read:
                if (account_id := document["id"][LENGTH:]) not in accounts:
                    found.setdefault(account_id, []).append(document["id"])
        return found

    def delete(self, records: list[str]) -> None:
        self._documents.delete({"id": {"$in": records}})

    def with_ngram(self, ngram: str, *, after: str | None, limit: int) -> list[str]:
        """The ids of the first accounts behind `after` that have it, in order."""
        between = {"$gt": ngram + (after or ""), "$lt": ngram + LAST}
        found = self._documents.find({"id": between}, limit=limit, fields=())
        return [document["id"][LENGTH:] for document in found]

    def with_beginning(self, text: str, *, most: int) -> set[str] | None:
        """The ids of the accounts with an n-gram that begins with this shorter text; None where
        that are more than `most` records.
        """
        # The rest of an n-gram may be LAST itself, as often as it has place.
        between = {"$gt": text, "$lt": text + LENGTH * LAST}
        found = self._documents.find({"id": between}, limit=most + 1, fields=())
        return None if len(found) > most else {document["id"][LENGTH:] for document in found}


def ngrams_of(text: str) -> set[str]:
    padded = text + END
    return {padded[at : at + LENGTH] for at in range(len(text))}


def _keys(account_id: str, text: str) -> list[str]:
    return sorted(ngram + account_id for ngram in ngrams_of(text))
