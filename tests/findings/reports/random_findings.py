"""Findings that the program makes from random outputs of the network, with random reviews."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.records.new_findings import NewFinding
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.facts import Facts
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.findings.status.spot import Certainty, Sample, Spot, add, sign
from skinapi.findings.status.spot_view import Instruction, SpotView
from skinapi.model.classification import PreparedPhoto, join_photos, judge_prepared
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Context
from skinapi.model.finding import Finding
from skinapi.model.network.engine import EngineOutput
from skinapi.model.network.model import Model
from skinapi.model.network.picture import Quality
from skinapi.platform.storage.ids import new_id, now
from tests.model.random_outputs import (
    LABELS,
    random_context,
    random_features,
    random_logits,
    shipped_calibration,
    with_tables,
)

QUALITY = Quality(width=600, height=450, brightness=120, highlights=0.0, sharpness=5, reasons=())
CALIBRATION = shipped_calibration()
SPOT = "5" * 32


@dataclass(frozen=True)
class Said:
    finding: StoredFinding
    language: Language
    as_owner: bool

    @property
    def decision(self) -> Decision | None:
        return self.finding.decision

    @property
    def instruction(self) -> Instruction:
        return self.finding.instruction

    @property
    def facts(self) -> Facts:
        return Facts.from_finding(self.finding.finding, self.finding.context)

    @property
    def due(self) -> date | None:
        return self.instruction.due


class _RandomModel:
    version, labels = "random-1", LABELS

    def __init__(self, draw: random.Random) -> None:
        prevalence = 0.02 if draw.random() < 0.2 else None
        self.calibration = with_tables(CALIBRATION.where(prevalence), draw)
        self._draw = draw

    def read(self, _: object) -> EngineOutput:
        logits, features = random_logits(self._draw), random_features(self._draw)
        return EngineOutput(logits[None], np.zeros((1, 2, 2, 1), np.float32), features[None])

    def heat_of(self, *_: object, **__: object) -> Any:
        return np.zeros((2, 2))


def random_finding(draw: random.Random, context: Context) -> Finding:
    model = cast("Model", _RandomModel(draw))
    photo = cast("Any", SimpleNamespace(pixels=None, profile_unread=draw.random() < 0.05))
    judged = [
        judge_prepared(model, PreparedPhoto(photo, QUALITY, 1.0), context)
        for _ in range(draw.choice([1, 1, 1, 2]))
    ]
    return judged[0].finding if len(judged) == 1 else join_photos(model, judged)


def _review(draw: random.Random, finding: Finding, at: datetime) -> Review:
    labels = [None, finding.stated, "melanoma", "melanocytic_nevus", *conditions_table().labels]
    label = draw.choice(labels)
    certainty = draw.choice([*Certainty]) if label else None
    opinion = Opinion(
        label=label,
        certainty=certainty,
        urgency=draw.choice([finding.band, *Band]),
        sample=None if certainty is Certainty.LABORATORY else draw.choice([None, *Sample]),
        photo_wanted=draw.random() < 0.1,
    )
    return Review(
        id=new_id(),
        created_at=at,
        lesion=SPOT,
        submission="1" * 32,
        doctor="2" * 32,
        signature="Dr Grey",
        opinion=opinion,
    )


def _finding(finding: Finding, context: Context, language: Language, number: int) -> StoredFinding:
    new = NewFinding(
        owner="3" * 32,
        finding=finding,
        context=context,
        language=language,
        sections={},
        narrative_source={},
        lesion=SPOT,
    )
    return new.as_stored(number=number)


def random_said(seed: int) -> Said:
    """The same for the same seed, except for its ids and its days, which count from today."""
    draw = random.Random(seed)
    language, context = LANGUAGES[seed % len(LANGUAGES)], random_context(draw)
    sent = now() - timedelta(days=draw.choice([0, 0, 1, 7, 30]))
    own = _finding(random_finding(draw, context), context, language, 7)
    own = own.model_copy(update={"created_at": sent})
    reviews = tuple(
        _review(draw, own.finding, min(now(), sent + timedelta(hours=5 + place)))
        for place in range(draw.choice([0, 0, 1, 1, 2]))
    )
    as_owner = draw.random() < 0.5
    photos: list[tuple[StoredFinding, Sequence[Review]]] = [(own, reviews)]
    if draw.random() < 0.3:
        other = _finding(random_finding(draw, context), context, language, 3)
        other = other.model_copy(update={"created_at": sent - timedelta(days=3)})
        said = [
            _review(draw, other.finding, sent - timedelta(days=2)) for _ in draw.choice(["", "a"])
        ]
        photos.insert(0, (other, said))
    return Said(own.see_in(_status_of(photos)), language, as_owner)


def _status_of(photos: Sequence[tuple[StoredFinding, Sequence[Review]]]) -> SpotView:
    """Return the status of a spot to which these photos came, each with its reviews before the
    next.
    """
    spot, signed = Spot(SPOT), dict[str, Review]()
    for photo, reviews in photos:
        spot = add(spot, photo.id, photo.number, photo.band, at=photo.created_at)
        for review in reviews:
            spot = sign(spot, review.for_spot(SPOT), at=review.created_at)
            signed[review.id] = review
    return SpotView(spot, {photo.id: photo.photo for photo, _ in photos}, signed, "ada")


def random_findings(count: int, *, first: int = 0) -> Iterator[tuple[int, Said]]:
    for seed in range(first, first + count):
        yield seed, random_said(seed)
