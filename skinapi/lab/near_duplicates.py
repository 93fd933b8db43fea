"""Finds pictures whose perceptual hashes differ in few bits, without comparing all pairs.

A hash of 64 bits is four bands of 16. Where two hashes differ in at most four bits, at least one
band differs in at most one: so each band is looked up with its 16 neighbours.
"""

from collections import defaultdict
from collections.abc import Iterator

MOST_BITS = 4
BANDS = 4
BAND_BITS = 16
# A band that very many pictures share tells nothing: uniform pictures would all be compared.
MOST_IN_BAND = 500
# Hashes can be designed so that all are compared with all: of 50,000 that would take minutes. Of
# 50,000 photographs each is compared with a few hundred.
MOST_COMPARED = 20_000_000


def bands_of(dhash: str) -> tuple[str, ...]:
    """The four bands, each of four hex digits."""
    return tuple(dhash[at : at + 4] for at in range(0, 16, 4))


def neighbours(band: str) -> list[str]:
    """The band, and all that differ from it in one bit.

    >>> neighbours("0000")[:3]
    ['0000', '0001', '0002']
    """
    value = int(band, 16)
    return [band, *(f"{value ^ 1 << bit:04x}" for bit in range(BAND_BITS))]


class Comparisons:
    """How many comparisons one check may still make."""

    def __init__(self, most: int = MOST_COMPARED) -> None:
        self._left = most

    def spend(self, count: int) -> bool:
        """Whether so many more may be made."""
        self._left -= count
        return self._left >= 0

    @property
    def all_made(self) -> bool:
        return self._left >= 0


def distance(one: str, other: str) -> int:
    """In how many bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


class NearIndex:
    """The hashes of one data set, by band."""

    def __init__(self) -> None:
        self._by_band: list[defaultdict[str, list[int]]] = [defaultdict(list) for _ in range(BANDS)]
        self._hashes: list[int] = []
        self._names: list[str] = []

    def near(self, dhash: str, comparisons: Comparisons | None = None) -> Iterator[tuple[str, int]]:
        """The names that were added with a near hash, each with its distance; none where
        `comparisons` has no more.
        """
        candidates: set[int] = set()
        for position, band in enumerate(bands_of(dhash)):
            for neighbour in neighbours(band):
                same = self._by_band[position].get(neighbour, ())
                if comparisons and not comparisons.spend(len(same)):
                    return
                candidates.update(same)
        value = int(dhash, 16)
        bits = {number: (value ^ self._hashes[number]).bit_count() for number in candidates}
        for number in sorted(number for number in candidates if bits[number] <= MOST_BITS):
            yield self._names[number], bits[number]

    def add(self, dhash: str, name: str) -> None:
        number = len(self._hashes)
        self._hashes.append(int(dhash, 16))
        self._names.append(name)
        for position, band in enumerate(bands_of(dhash)):
            same = self._by_band[position][band]
            if len(same) < MOST_IN_BAND:
                same.append(number)
