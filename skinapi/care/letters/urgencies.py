"""How soon a sentence says that a doctor is to be seen."""

import re
from functools import cached_property

from skinapi.care.letters.searching import each, split, without
from skinapi.care.letters.sentences import VOCABULARIES, band_of, times_in
from skinapi.vision.conditions import Band


class Urgencies:
    """Of one sentence without its conditions, and of what of it is `asserted`."""

    def __init__(self, bare: str, asserted: str) -> None:
        self._bare = bare
        self._asserted = asserted

    @property
    def levels(self) -> list[tuple[str, Band]]:
        """The times and the words for an urgency, each with the band that it is one of."""
        return self._read[0]

    @property
    def left(self) -> str:
        """The sentence without them."""
        return self._read[1]

    @property
    def said(self) -> set[Band]:
        return {level for said, level in self.levels if not self.is_negated(said)}

    def is_negated(self, said: str) -> bool:
        """Whether these words stand in a part that negates something."""
        parts = (part for part in self._parts if said in part)
        return any(any(each("negating", part.replace(said, " ; "))) for part in parts)

    @cached_property
    def _read(self) -> tuple[list[tuple[str, Band]], str]:
        found, left = [], without(self._bare, "urging")
        for words in VOCABULARIES:
            for said, days in times_in(left, words):
                found.append((said, band_of(days)))
                left = left.replace(said, " ; ", 1)
            for band, pattern in words.levels.items():
                found += [(said[0], band) for said in re.finditer(pattern, left)]
                left = re.sub(pattern, " ; ", left)
        return list(dict.fromkeys(found)), left

    @cached_property
    def _parts(self) -> list[str]:
        return split(self._asserted, "apart")
