"""Age, sex, body site and skin as data sets write them, and as a client would send them."""

from collections.abc import Mapping
from typing import get_args

from skinapi.learning.data.samples import Sample
from skinapi.vision.context import (
    AGE_BANDS,
    BODY_SITES,
    TONE_OF_TYPE,
    AgeBand,
    BodySite,
    Context,
    Fitzpatrick,
    SkinTone,
)

# By the words of the data sets.
SITES: Mapping[str, BodySite] = {
    **{site.replace("_", " "): site for site in BODY_SITES},
    "acral nos": "acral",
    "acral palms or soles": "acral",
    "anterior torso": "trunk",
    "arm": "upper_extremity",
    "forearm": "upper_extremity",
    "head neck face": "face",
    "head/neck": "face",
    "lateral torso": "trunk",
    "lip": "face",
    "nose": "face",
    "palms/soles": "acral",
    "posterior torso": "back",
    "thigh": "lower_extremity",
}
# MILK10k's steps, from 0 (very dark) to 5 (very light). docs/training.md says why pairs.
TONE_OF_STEP = (
    SkinTone.DARK,
    SkinTone.DARK,
    SkinTone.MEDIUM,
    SkinTone.MEDIUM,
    SkinTone.LIGHT,
    SkinTone.LIGHT,
)


def patient_context(sample: Sample) -> Context:
    """The patient's facts in the data set, as a client would send them."""
    sex = sample.facts.get("sex", "").lower()
    return Context(
        modality=sample.modality,
        age_band=_age_band(sample.facts.get("age", "")),
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        body_site=SITES.get(site_word(sample.facts.get("localization", ""))),
    )


def _age_band(age: str) -> AgeBand | None:
    try:
        years = float(age)
    except ValueError:
        return None
    return next((band for band in AGE_BANDS if years >= 0 and years < _end_of(band)), None)


def _end_of(band: str) -> float:
    return float("inf") if band.endswith("+") else int(band.split("-")[1]) + 1


def site_word(written: str) -> str:
    """A body site as SITES has it: some tables write `lower_extremity`."""
    return written.strip().lower().replace("_", " ")


def skin_tone(sample: Sample) -> SkinTone | None:
    """By the column skin_tone (our word, or a step of MILK10k), else by the Fitzpatrick type."""
    told = sample.facts.get("skin_tone", "").strip().lower()
    if told in list(SkinTone):
        return SkinTone(told)
    step, skin_type = _whole(told), _whole(sample.facts.get("fitzpatrick", ""))
    if step is not None and 0 <= step < len(TONE_OF_STEP):
        return TONE_OF_STEP[step]
    return next((TONE_OF_TYPE[one] for one in get_args(Fitzpatrick) if one == skin_type), None)


def _whole(text: str) -> int | None:
    """Some tables write 2.0."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None
