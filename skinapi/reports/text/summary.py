"""What a patient reads first: what it is likely to be and what cannot be ruled out, what to do and
by when, and how sure that is.
"""

from collections.abc import Iterator

from skinapi.languages import Language, Said
from skinapi.reports.facts import Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.vision.calibration.model_calibration import HeldOutFigures
from skinapi.vision.conditions import Frozen, conditions_table
from skinapi.vision.context import Modality

# A check misses few cancers if it found at least this share of the malignant test lesions, and
# some if it found at least the other. The least careful operating point is fitted to the first.
MISSES_FEW, MISSES_SOME = 0.95, 0.80


class Summary(Frozen):
    """One sentence each, of `likely` two where something cannot be ruled out."""

    likely: str
    to_do: str
    certainty: str

    @property
    def sentences(self) -> tuple[str, str, str]:
        return self.likely, self.to_do, self.certainty


def summarise(facts: Facts, language: Language) -> Summary:
    return Summary(
        likely=say_headline(facts, language),
        to_do=f"{facts.band_words(language).label}.",
        certainty=say_certainty(facts, language),
    )


def say_certainty(facts: Facts, language: Language) -> str:
    """How sure one may be: the doubt, where there is one, else how the model did in its test.

    Where the model was not tested for the patient's skin, that counts. Of several kinds of picture
    that it may be, the one on which least is known counts.
    """
    return _certainty(facts).in_language(language)


def _certainty(facts: Facts) -> Said:
    notices = conditions_table().notices
    words = notices.certainty
    if not facts.examined:
        return words.not_examined
    if facts.uncertain:
        return words.uncertain.fill(doubts=_doubts(facts))
    if facts.untested_skin:
        return words.untested_skin.fill(skin=notices.skins[facts.untested_skin[-1]])
    return max((_by_figures(*used) for used in _used(facts)), key=lambda said: said[0])[1]


def _doubts(facts: Facts) -> Said:
    def said(language: Language) -> str:
        doubts = CATALOGUES[language].doubts
        return ", ".join(doubts[reason] for reason in facts.reasons)

    return Said.by(said)


def _used(facts: Facts) -> Iterator[tuple[Modality, HeldOutFigures | None]]:
    """Each kind of picture whose calibration was used, with its test figures."""
    figures = {tested.modality: tested for tested in facts.tested}
    old = (Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC,)
    for modality in facts.modality.used if facts.modality else old:
        yield modality, figures.get(modality)


def _by_figures(modality: Modality, tested: HeldOutFigures | None) -> tuple[float, Said]:
    """How little is known, and the sentence that says it."""
    notices = conditions_table().notices
    words, kinds = notices.certainty, notices.kinds[modality].many
    if tested is None:
        return 2.0, words.untested.fill(kinds=kinds)
    sensitivity = tested.sensitivity
    missed = (
        "few" if sensitivity >= MISSES_FEW else "some" if sensitivity >= MISSES_SOME else "many"
    )
    said = words.little_tested if tested.is_little else words.tested
    filled = said.fill(missed=words.missed[missed], kinds=kinds)
    return tested.is_little + (1 - sensitivity), filled


def say_headline(facts: Facts, language: Language, *, for_doctor: bool = False) -> str:
    """What is likely, and what cannot be ruled out."""
    if not facts.examined:
        name = conditions_table().name(facts.stated, language)
        return CATALOGUES[language].as_stated.format(name=name)
    headline = facts.headline
    return (headline.for_doctor if for_doctor else headline.for_patient).in_language(language)
