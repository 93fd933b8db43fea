"""Age, sex and body site as data sets write them, and as a client would send them."""

from collections.abc import Iterable, Mapping

from skinapi.learning.data.samples import Sample
from skinapi.vision.context import AGE_BANDS, BODY_SITES, AgeBand, BodySite, Context

OTHER_SITE_WORDS: Mapping[str, BodySite] = {
    "anterior torso": "trunk",
    "arm": "upper_extremity",
    "forearm": "upper_extremity",
    "head/neck": "face",
    "lateral torso": "trunk",
    "lip": "face",
    "nose": "face",
    "palms/soles": "acral",
    "posterior torso": "back",
    "thigh": "lower_extremity",
}
SITE_WORDS = {*(site.replace("_", " ") for site in BODY_SITES), *OTHER_SITE_WORDS}


def patient_context(sample: Sample) -> Context:
    """The patient's facts in the data set, as a client would send them."""
    sex = sample.facts.get("sex", "").lower()
    return Context(
        modality=sample.modality,
        age_band=_age_band(sample.facts.get("age", "")),
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        body_site=_body_site(sample.facts.get("localization", "")),
    )


def _age_band(age: str) -> AgeBand | None:
    try:
        years = float(age)
    except ValueError:
        return None
    return next((band for band in AGE_BANDS if years >= 0 and years < _end_of(band)), None)


def _end_of(band: str) -> float:
    return float("inf") if band.endswith("+") else int(band.split("-")[1]) + 1


def _body_site(words: str) -> BodySite | None:
    word = words.strip().lower()
    known: Iterable[BodySite] = BODY_SITES
    same = next((site for site in known if site == word.replace(" ", "_")), None)
    return same or OTHER_SITE_WORDS.get(word)
