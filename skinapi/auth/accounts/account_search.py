"""Finds accounts by a part of their name or e-mail, at a cost that does not grow with how many
accounts there are.

A search of five characters or more steps through accounts in the order they registered. Each step
looks at the next accounts with each of a few n-grams of what is asked for, and at the next accounts
of the wanted role. Every hit is in each of these lists, so it takes the one that reaches furthest.

A shorter search reads who has these characters, if they are few, or else all accounts until the
page is full.
"""

from collections.abc import Iterator, Sequence

from skinapi.auth.accounts.ngrams import LENGTH, NgramIndex
from skinapi.storage.documents.merging import merged
from skinapi.storage.documents.port_rules import literal
from skinapi.storage.ports import Document, Documents, Filter

MOST_NGRAMS = 6  # of a search text, evenly spread over it
LONGEST_STEP = 1000
FEW_WITH_SHORT = 100


class AccountSearch:
    def __init__(self, accounts: Documents, ngrams: NgramIndex) -> None:
        self._documents = accounts
        self._documents.ensure_index("ngrams", "id")
        self._ngrams = ngrams

    def find(
        self, filters: Sequence[Filter], text: str, *, after: str | None, limit: int
    ) -> list[Document]:
        """The first accounts behind `after` that match one of the filters and contain this text, by
        id. The text is case-folded; the filters are equalities.
        """
        # Code of version 2 and before writes accounts without n-grams.
        if self._documents.find({"ngrams": None}, limit=1, fields=()):
            return self._among_all(filters, text, after, limit)
        steps = self._steps if len(text) >= LENGTH else self._steps_of_short
        found: list[Document] = []
        for identifiers in steps(filters, text, after, limit):
            found += self._matching(identifiers, filters, text)
            if len(found) >= limit:
                break
        return found[:limit]

    def _among_all(
        self, filters: Sequence[Filter], text: str, after: str | None, limit: int
    ) -> list[Document]:
        # One listing for each role, not one with $in: see `merging`.
        listings = [
            self._documents.find({**wanted, "search": literal(text)}, after=after, limit=limit)
            for wanted in filters
        ]
        return merged(listings, limit=limit)

    def _steps(
        self, filters: Sequence[Filter], text: str, after: str | None, size: int
    ) -> Iterator[list[str]]:
        """Ids in order, among which are all hits. The more it takes, the longer are the steps."""
        while step := self._furthest(filters, text, after, size):
            yield step
            if len(step) < size:
                return
            after, size = step[-1], _longer(size)

    def _furthest(
        self, filters: Sequence[Filter], text: str, after: str | None, size: int
    ) -> list[str]:
        lists = []
        for ngram in _some_ngrams(text):
            ids = self._ngrams.with_ngram(ngram, after=after, limit=size)
            if not ids:
                return []
            lists.append(ids)
        lists.append(self._listed(filters, after, size))
        ending = [ids for ids in lists if len(ids) < size]
        return min(ending, key=len) if ending else max(lists, key=lambda ids: ids[-1])

    def _steps_of_short(
        self, filters: Sequence[Filter], text: str, after: str | None, size: int
    ) -> Iterator[list[str]]:
        """The same, of a text shorter than an n-gram: those who have it, if they are few, else all
        accounts. In turns, each time more of both: nobody knows which of them ends first.
        """
        most, walked = FEW_WITH_SHORT, 0
        while (with_text := self._ngrams.with_beginning(text, most=most)) is None:
            while walked < most:
                step = self._listed(filters, after, size)
                yield step
                if len(step) < size:
                    return
                after, walked, size = step[-1], walked + size, _longer(size)
            most *= 4
        identifiers = sorted(one for one in with_text if one > (after or ""))
        for at in range(0, len(identifiers), size):
            yield identifiers[at : at + size]

    def _listed(self, filters: Sequence[Filter], after: str | None, size: int) -> list[str]:
        listings = [
            self._documents.find(wanted, after=after, limit=size, fields=()) for wanted in filters
        ]
        return [document["id"] for document in merged(listings, limit=size)]

    def _matching(
        self, identifiers: list[str], filters: Sequence[Filter], text: str
    ) -> list[Document]:
        found = self._documents.find({"id": {"$in": identifiers}, "search": literal(text)})
        return [
            account
            for account in found
            if any(wanted.items() <= account.items() for wanted in filters)
        ]


def _some_ngrams(text: str) -> list[str]:
    ngrams = [text[at : at + LENGTH] for at in range(len(text) - LENGTH + 1)]
    return ngrams[:: -(-len(ngrams) // MOST_NGRAMS)]


def _longer(size: int) -> int:
    return max(size, min(2 * size, LONGEST_STEP))
