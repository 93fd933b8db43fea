"""The notices about a picture's modality: whether it is in doubt, and how the model was tested on
such pictures.
"""

import math
from collections.abc import Iterator, Sequence

from skinapi.base.languages import NUMBERS, Language, LocalizedText
from skinapi.model.calibration.detectors import KNOWN, ModalityFinding
from skinapi.model.calibration.model_calibration import HeldOutFigures
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality, SkinTone

# Of the first of these a prevalence is a whole number.
_COUNTED_OF = (100, 1000, 10_000)


def modality_notices(
    modality: ModalityFinding, tested: Sequence[HeldOutFigures]
) -> tuple[LocalizedText, ...]:
    """First a doubt about the modality, then for each one used how the model was tested on it."""
    return (*modality_doubts(modality), *_tested_notices(modality.used, tested))


def joined_modality_notices(
    modalities: Sequence[ModalityFinding], tested: Sequence[HeldOutFigures]
) -> tuple[LocalizedText, ...]:
    """The same of several pictures, with no notice twice."""
    doubts = [doubt for modality in modalities for doubt in modality_doubts(modality)]
    used = [kind for kind in KNOWN if any(kind in modality.used for modality in modalities)]
    return tuple(dict.fromkeys([*doubts, *_tested_notices(used, tested)]))


def say_joined(pictures: int) -> LocalizedText:
    return conditions_table().notices.joined.fill(pictures=_number(pictures))


def say_untested(modality: Modality) -> LocalizedText:
    notices = conditions_table().notices
    return notices.untested.fill(kinds=notices.kinds[modality].many)


def say_untested_skin(tone: SkinTone) -> LocalizedText:
    notices = conditions_table().notices
    return notices.untested_skin.fill(skin=notices.skins[tone])


def say_restated(prevalence: float) -> LocalizedText:
    """For which prevalence the probabilities hold that people read, in whole numbers."""
    whole = (of for of in _COUNTED_OF if math.isclose(round(of * prevalence), of * prevalence))
    of = next(whole, _COUNTED_OF[-1])
    count = max(1, round(of * prevalence))
    return conditions_table().notices.restated.fill(count=_number(count), of=_number(of))


def say_calibrated_on(mixes: Sequence[float]) -> LocalizedText:
    """For which mix the model's own probabilities hold, for doctors."""

    def shares(language: Language) -> str:
        return " / ".join(NUMBERS[language].write_share(share, decimals=0) for share in mixes)

    return conditions_table().notices.calibrated_on.fill(shares=LocalizedText.by(shares))


def percent_text(share: float) -> LocalizedText:
    """A percentage with one decimal, as each language writes it."""
    return LocalizedText.by(lambda language: NUMBERS[language].write_share(share, decimals=1))


def _tested_notices(
    used: Sequence[Modality], tested: Sequence[HeldOutFigures]
) -> Iterator[LocalizedText]:
    notices = conditions_table().notices
    by_modality = {figures.modality: figures for figures in tested}
    for modality in used:
        figures = by_modality.get(modality)
        yield say_tested(figures) if figures else say_untested(modality)
    if any(modality in by_modality and by_modality[modality].is_little for modality in used):
        yield notices.little_tested


def limits_of_tests(
    used: Sequence[Modality], tested: Sequence[HeldOutFigures]
) -> list[LocalizedText]:
    """On which of the kinds of picture that are used the model was tested little, or not."""
    figures = {*map(say_tested, tested)}
    return [one for one in _tested_notices(used, tested) if one not in figures]


def say_tested(figures: HeldOutFigures) -> LocalizedText:
    notices = conditions_table().notices
    return notices.tested.fill(
        kinds=notices.kinds[figures.modality].many,
        lesions=_number(figures.lesions),
        malignant=_number(figures.malignant),
        sensitivity=percent_text(figures.sensitivity),
    )


def modality_doubts(modality: ModalityFinding | None) -> Iterator[LocalizedText]:
    notices = conditions_table().notices
    if modality is None:
        return
    if modality.contradicted:
        yield notices.modality_contradicts.fill(
            told=notices.kinds[modality.told].one, seen=notices.kinds[modality.recognised].one
        )
    elif modality.unsure:
        yield notices.modality_unsure


def _number(number: int) -> LocalizedText:
    return LocalizedText.by(lambda _: str(number))
