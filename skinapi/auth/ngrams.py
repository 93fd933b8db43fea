"""An n-gram index: which accounts have five given characters in a row in their search text.

Each record is one n-gram of one account, and is nothing but its id: the n-gram, then the account's
id. So the records of an n-gram stand together in the order in which the accounts registered, and
those that begin with a shorter text stand together too.

The records are written before the account and removed before it: no account is without them. After
a crash in between, some are left over; readers look at the accounts, and `check` removes them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from skinapi.errors import Duplicate
from skinapi.storage.faults import Fault
from skinapi.storage.ports import Store

LENGTH = 5
END = "\n" * (LENGTH - 1)  # so that an n-gram begins with each character of a text, also the last
LAST = "\U0010ffff"
READ_AT_ONCE = 5000


class NgramIndex:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("account_ngrams")

    def add(self, account_id: str, text: str) -> None:
        keys = _keys(account_id, text)
        while missing := self._missing(keys):
            # Another process may add the same ones.
            with suppress(Duplicate):
                self._documents.insert_many([{"id": key} for key in missing])

    def remove(self, account_id: str, text: str, *, but: str = "") -> None:
        """Remove the n-grams of this text, but not those that the text `but` has too."""
        keys = _keys(account_id, text) - _keys(account_id, but)
        if keys:
            self._documents.delete({"id": {"$in": sorted(keys)}})

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

    def faults(
        self, texts: Mapping[str, str], text_of: Callable[[str], str | None]
    ) -> Iterator[Fault]:
        """Yield the accounts of `texts` that lack n-grams, and accounts that have others, or are
        gone. `text_of(id)` reads an account's text again, for it may have changed meanwhile;
        None where the account is deleted, or is being deleted.
        """
        found: Counter[str] = Counter()
        left_over: dict[str, set[str]] = defaultdict(set)
        for key in self._walk():
            ngram, account_id = key[:LENGTH], key[LENGTH:]
            if ngram in texts.get(account_id, "") + END:
                found[account_id] += 1
            else:
                left_over[account_id].add(key)
        for account_id, text in texts.items():
            if found[account_id] < len(ngrams_of(text)) and self._lacks(account_id, text_of):
                message = f"account {account_id} is not found by its name and e-mail"
                yield Fault(message, partial(self._repair, account_id, text_of))
        for account_id, keys in left_over.items():
            if self._unexpected(account_id, keys, text_of):
                message = f"the index of names has parts that account {account_id} does not have"
                yield Fault(message, partial(self._clear, account_id, keys, text_of))

    def _missing(self, keys: set[str]) -> list[str]:
        found = self._documents.find({"id": {"$in": sorted(keys)}}, fields=())
        return sorted(keys - {document["id"] for document in found})

    def _lacks(self, account_id: str, text_of: Callable[[str], str | None]) -> bool:
        text = text_of(account_id)
        return text is not None and bool(self._missing(_keys(account_id, text)))

    def _repair(self, account_id: str, text_of: Callable[[str], str | None]) -> None:
        if (text := text_of(account_id)) is not None:
            self.add(account_id, text)
            # A deletion or another name that came meanwhile did not see these.
            self.remove(account_id, text, but=text_of(account_id) or "")

    def _unexpected(
        self, account_id: str, keys: set[str], text_of: Callable[[str], str | None]
    ) -> list[str]:
        """Which of these records are still there, and are not of the account's text."""
        others = keys - _keys(account_id, text_of(account_id) or "")
        found = self._documents.find({"id": {"$in": sorted(others)}}, fields=())
        return [document["id"] for document in found]

    def _clear(self, account_id: str, keys: set[str], text_of: Callable[[str], str | None]) -> None:
        left_over = self._unexpected(account_id, keys, text_of)
        self._documents.delete({"id": {"$in": left_over}})

    def _walk(self) -> Iterator[str]:
        after = None
        while found := self._documents.find(after=after, limit=READ_AT_ONCE, fields=()):
            yield from (document["id"] for document in found)
            after = found[-1]["id"]


def ngrams_of(text: str) -> set[str]:
    padded = text + END
    return {padded[at : at + LENGTH] for at in range(len(text))}


def _keys(account_id: str, text: str) -> set[str]:
    return {ngram + account_id for ngram in ngrams_of(text)}
