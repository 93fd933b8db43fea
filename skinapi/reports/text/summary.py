"""The three sentences that a patient reads first: what it is likely to be, what to do and by when,
and how sure that is.
"""

from collections.abc import Iterator

from skinapi.languages import Language, Said
from skinapi.reports.facts import Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.vision.calibration.model_calibration import HeldOutFigures
from skinapi.vision.conditions import NORMAL_SKIN, Frozen, conditions_table
from skinapi.vision.context import Modality

# A check misses few cancers if it found at least this share of the malignant test lesions, and
# some if it found at least the other. The first is what the thresholds are fitted to.
MISSES_FEW, MISSES_SOME = 0.95, 0.80


class Summary(Frozen):
    """One sentence each."""

    likely: str
    to_do: str
    certainty: str

    @property
    def sentences(self) -> tuple[str, str, str]:
        return self.likely, self.to_do, self.certainty


def summarise(facts: Facts, language: Language, *, names_class: bool = True) -> Summary:
    """Without `names_class` no condition is called the most likely."""
    return Summary(
        likely=_say_likely(facts, language, names_class=names_class),
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


def _say_likely(facts: Facts, language: Language, *, names_class: bool) -> str:
    phrases = CATALOGUES[language]
    name = conditions_table().name(facts.most_probable, language)
    others = _others(facts, language)
    if not facts.examined:
        return phrases.as_stated.format(name=name)
    if facts.uncertain or not names_class:
        if facts.concern.key == NORMAL_SKIN:
            return phrases.likely_unknown
        return phrases.likely_unsure.format(name=facts.concern.names.in_language(language))
    if others:
        return phrases.likely_but.format(name=name, others=others)
    if facts.stated == NORMAL_SKIN:
        return phrases.likely_nothing
    return phrases.likely.format(name=name)


def _others(facts: Facts, language: Language) -> str:
    """What it may be besides the most probable: what a rule names, what explains the urgency."""
    keys = dict.fromkeys((facts.stated, facts.concern.key))
    named = (key for key in keys if key not in (facts.most_probable, NORMAL_SKIN))
    return ", ".join(conditions_table().name(key, language) for key in named)
