"""Writes `index.html` of a person's file, which needs no script and no network."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from skinapi.base.days import say_day
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.schemas.review import ReviewView
from skinapi.findings.reports.words import LABELS, strip_control_characters, time_text
from skinapi.findings.status.decisions import WaitsFor, find_title_key
from skinapi.findings.status.spot import Sample
from skinapi.model.conditions import conditions_table


class PageWords(Frozen):
    labels: Mapping[str, str]
    roles: Mapping[str, str]
    purposes: Mapping[str, str]
    readings: Mapping[str, str]


WORDS: Mapping[Language, PageWords] = load_words("privacy.page", PageWords)


def _clean(value: Any) -> Any:
    # Only plain str: Markup is our own text.
    return strip_control_characters(value) if type(value) is str else value


@cache
def _template() -> Template:
    page = resources.files(__package__).joinpath("page.html").read_text("utf-8")
    return Environment(autoescape=True, finalize=_clean, undefined=StrictUndefined).from_string(
        page
    )


def write_page(data: Mapping[str, Any], findings: Iterable[Any], language: Language) -> str:
    """Findings are read while the page is written."""
    css = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    words = WORDS[language]
    return _template().render(
        data,
        page_findings=findings,
        language=language,
        words=words.labels,
        roles=words.roles,
        purposes=words.purposes,
        readings=words.readings,
        say_time=partial(time_text, language=language),
        say_place=partial(_say_place, language),
        say_review=partial(_say_review, language),
        say_fact=LABELS[language].say_fact,
        style=Markup(css),  # noqa: S704 (our own file)
        style_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
    )


def _say_place(language: Language, spot: Any) -> str:
    place, there = spot.place, say_day(spot.created_at, language)
    if place:
        there = LABELS[language].say_place(place.site, place.laterality, place.side)
    return f"{spot.name} ({there})" if spot.name else there


def _say_review(language: Language, review: ReviewView) -> Iterator[str]:
    table = conditions_table()
    words, label = table.notices.decision, review.label
    if label:
        key = find_title_key(label, review.certainty, awaited=review.sample is Sample.WAITING)
        title = getattr(words, key).in_language(language)
        name = table.name_for_patient(label, language)
        yield words.heading.in_language(language).format(title=title, name=name)
    if review.photo_wanted:
        yield words.waits_for[WaitsFor.PHOTO].label.in_language(language)
    if review.note:
        yield review.note
