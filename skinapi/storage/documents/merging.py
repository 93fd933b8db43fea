"""Merges several listings into one; an index serves each of them in order.

For an alternative ("by this account or about it") neither store is sure to follow the order of an
index: it may read and sort every match. Two listings with a limit cost two index lookups.
"""

from collections.abc import Iterable

from skinapi.storage.ports import Document


def merged(listings: Iterable[list[Document]], *, sort: str = "id", limit: int) -> list[Document]:
    """The first `limit` documents of all listings together, each document once.

    Each listing must hold the first `limit` of its own matches, sorted by `sort` as in
    `Documents.find`.
    """
    field = sort.removeprefix("-")
    by_id = {document["id"]: document for listing in listings for document in listing}
    ordered = sorted(by_id.values(), key=lambda document: (document[field], document["id"]))
    if sort.startswith("-"):
        ordered.reverse()
    return ordered[:limit]
