"""The printed report without the patient's name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from skinapi.accounts.auth.account import Subject
from skinapi.base.languages import load_words
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.letters import ShownLetter
from skinapi.findings.reports.service import ReportsService, print_pdf


class _SpotWords(StoredRecord):
    """The word behind which a letter's own sentences call the spot by its name."""

    about: Mapping[str, str]
    spot: Mapping[str, str]

    @property
    def patterns(self) -> Iterator[str]:
        opened, closed = self.spot["named"].split("{name}")
        for sentence in self.about.values():
            begins = re.escape(sentence.partition("{spot}")[0].split()[-1] + opened)
            yield rf"(?<={begins}).+?(?={re.escape(closed)})"


_SPOTS = load_words("reports.letters", _SpotWords).values()
SPOT_NAMES = re.compile("|".join(pattern for words in _SPOTS for pattern in words.patterns))


def print_unnamed(reports: ReportsService, *, number: str, to: Subject) -> bytes:
    """Print an issued report as a program may know it; without the patient's name and address, also
    in letters, and what the patient calls the spot; without photos where the consent that they are
    kept is withdrawn. The PDF is not stored.
    """
    finding, owner = reports.findings.get(number=number, to=to)
    report = reports.read_for_programs(number=number, to=to, issue=True)
    letters = tuple(_without_name(letter, owner.name) for letter in report.letters)
    unnamed = replace(report, patient=None, letters=letters)
    if reports.findings.photos.withdrawn(owner):
        return print_pdf(unnamed)
    return print_pdf(reports.with_pictures(unnamed, finding, to))


def _without_name(shown: ShownLetter, name: str) -> ShownLetter:
    """Put a sign in place of each part of this name, and of what the patient calls the spot; not of
    an initial, which may be a word.
    """
    words = (word for word in name.split() if len(word) > 1)
    parts = sorted({name, *words}, key=len, reverse=True)
    named = rf"(?<!\w)(?:{'|'.join(map(re.escape, parts))})(?!\w)"
    text = re.sub(named, "…", SPOT_NAMES.sub("…", shown.letter.text))
    return replace(shown, letter=shown.letter.model_copy(update={"text": text}))
