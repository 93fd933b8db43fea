"""Findings as the model makes them of random outputs, with whatever doctors may have said of them.

Only the network is left out: its outputs are drawn. Everything behind them is the program's.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

import skinapi
from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.records.decisions import Decision
from skinapi.findings.records.errors import ContradictoryReview
from skinapi.findings.records.review_schemas import NewReview
from skinapi.findings.records.reviews import Certainty, Histology, Review
from skinapi.findings.records.standing import Instruction, Reader, SpotFacts, SpotView
from skinapi.findings.records.submission import NewFinding, Submission
from skinapi.findings.reports.facts import Facts
from skinapi.model.calibration import ModelCalibration
from skinapi.model.classification import PreparedPhoto, join_photos, judge_prepared
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import AGE_BANDS, BODY_SITES, Context, Modality
from skinapi.model.detectors import (
    LinearClassifier,
    ModalityDetector,
    OtherDiseaseDetector,
    SkinDetector,
)
from skinapi.model.finding import Finding
from skinapi.model.network.engine import EngineOutput
from skinapi.model.network.model import Model
from skinapi.model.network.picture import Quality
from skinapi.platform.storage.ids import new_id, now

SHIPPED = Path(skinapi.__file__).parent / "models/resnet50/calibration.json"
LABELS = conditions_table().keys
QUALITY = Quality(width=600, height=450, brightness=120, highlights=0.0, sharpness=5, reasons=())


def _one_feature(place: int) -> LinearClassifier:
    """Its log odds are the feature at this place."""
    return LinearClassifier.of(np.eye(3, dtype=np.float32)[place], 0.0)


def _calibration() -> ModelCalibration:
    """The shipped one, whose detectors read drawn features: dermoscopic, no skin, not known."""
    shipped = ModelCalibration.model_validate_json(SHIPPED.read_bytes())
    plain = {"familiar": None, "unlike_training": None}
    return shipped.model_copy(
        update={
            "dermoscopic": shipped.dermoscopic.model_copy(update=plain),
            "clinical": shipped.clinical and shipped.clinical.model_copy(update=plain),
            "modality": ModalityDetector(dermoscopic=_one_feature(0), sure=0.9),
            "skin": SkinDetector(not_skin=_one_feature(1), limit=0.5),
            "other_diseases": OtherDiseaseDetector(other=_one_feature(2), limit=0.5, pictures=9),
        }
    )


CALIBRATION = _calibration()


@dataclass(frozen=True)
class Said:
    """A finding with what has been said of it and of its spot, and its language."""

    submission: Submission
    reviews: tuple[Review, ...]
    decision: Decision | None
    instruction: Instruction
    language: Language
    as_owner: bool

    @property
    def facts(self) -> Facts:
        return Facts.of(self.submission.finding, self.submission.context)

    @property
    def due(self) -> date | None:
        return self.instruction.counts.due


class _RandomModel:
    """As much of a model as a finding is made with."""

    version, labels = "random-1", LABELS

    def __init__(self, draw: random.Random) -> None:
        prevalence = 0.02 if draw.random() < 0.2 else None
        self.calibration = CALIBRATION.where(prevalence)
        self._draw = draw

    def read(self, _: object) -> EngineOutput:
        draw = self._draw
        spread, benign = draw.choice([0.1, 0.3, 1.0]), draw.choice([1, 10, 50])
        malignant = conditions_table().malignant_keys
        shares = [
            (draw.gammavariate(spread, 1) + 1e-4) * (1 if key in malignant else benign)
            for key in LABELS
        ]
        features = [draw.gauss(0, 4), draw.gauss(-3, 2), draw.gauss(-3, 2)]
        empty = np.zeros((1, 2, 2, 1), np.float32)
        logits = (1.5 * np.log([shares])).astype(np.float32)
        return EngineOutput(logits, empty, np.array([features], np.float32))

    def heat_of(self, *_: object, **__: object) -> Any:
        return np.zeros((2, 2))


def _context(draw: random.Random) -> Context:
    items = [item.key for item in conditions_table().checklist.items]
    ticked = tuple(draw.sample(items, draw.choice([0, 1, 1, 2, 3])))
    told = draw.random() < 0.5
    return Context(
        modality=draw.choice(list(Modality)),
        age_band=draw.choice(AGE_BANDS) if told else None,
        sex=draw.choice(["female", "male"]) if told else None,
        body_site=draw.choice(BODY_SITES) if told else None,
        fitzpatrick=cast("Any", draw.choice([None, None, 2, 4, 6])),
        checklist=ticked if draw.random() < 0.5 else None,
        skin_confirmed=True,
        text_in_picture=draw.random() < 0.05,
    )


def random_finding(draw: random.Random, context: Context) -> Finding:
    """Of one picture, or of two of a spot."""
    model = cast("Model", _RandomModel(draw))
    photo = cast("Any", SimpleNamespace(pixels=None, profile_unread=draw.random() < 0.05))
    judged = [
        judge_prepared(model, PreparedPhoto(photo, QUALITY, 1.0), context)
        for _ in range(draw.choice([1, 1, 1, 2]))
    ]
    return judged[0].finding if len(judged) == 1 else join_photos(model, judged)


def _review(draw: random.Random, finding: Finding, at: datetime) -> Review:
    """What a doctor may say of it: what contradicts itself is refused, and drawn again."""
    labels = [None, finding.stated, "melanoma", "melanocytic_nevus", *conditions_table().labels]
    while True:
        result = draw.choice(labels) if draw.random() < 0.3 else None
        statement = NewReview(
            label=None if result else draw.choice(labels),
            certainty=draw.choice([Certainty.SURE, Certainty.SURE, Certainty.UNSURE]),
            urgency=draw.choice([None, None, *Band]),
            histology=None if result else draw.choice([None, Histology.AWAITED]),
            histology_result=result,
            new_picture_wanted=draw.random() < 0.1,
        )
        try:
            opinion = statement.resolve(stated=finding.stated, band=finding.band, pictured=True)
        except ContradictoryReview:
            continue
        held = at + timedelta(days=5) if draw.random() < 0.1 else None
        return Review(
            id=new_id(),
            created_at=at,
            submission="1" * 32,
            doctor="2" * 32,
            signature="Dr Grey",
            opinion=opinion,
            hold_ends_at=held,
        )


def _submission(finding: Finding, context: Context, language: Language, number: int) -> Submission:
    new = NewFinding(
        owner="3" * 32,
        finding=finding,
        context=context,
        language=language,
        sections={},
        narrative_source={},
    )
    return new.as_submission(number=number, doctor="2" * 32)


def random_said(seed: int) -> Said:
    """The same for the same seed, but for its ids and its days, which count from today."""
    draw = random.Random(seed)
    language, context = LANGUAGES[seed % len(LANGUAGES)], _context(draw)
    sent = now() - timedelta(days=draw.choice([0, 0, 1, 7, 30]))
    own = _submission(random_finding(draw, context), context, language, 7)
    own = own.model_copy(update={"created_at": sent})
    reviews = tuple(
        _review(draw, own.finding, min(now(), sent + timedelta(hours=5 + place)))
        for place in range(draw.choice([0, 0, 1, 1, 2]))
    )
    as_owner = draw.random() < 0.5
    signed, spot = {own.id: reviews}, [own]
    if draw.random() < 0.3:
        other = _submission(random_finding(draw, context), context, language, 3)
        other = other.model_copy(update={"created_at": sent - timedelta(days=3)})
        signed[other.id] = tuple(
            _review(draw, other.finding, sent - timedelta(days=2)) for _ in draw.choice(["", "a"])
        )
        spot.insert(0, other)
    facts = SpotFacts(tuple(one.photo for one in spot), signed)
    reader = Reader.PATIENT if as_owner else Reader.DOCTOR
    own = own.viewed(SpotView(facts, reader, now()))
    return Said(own, own.stands.reviews, own.decision, own.instruction, language, as_owner)


def random_findings(count: int, *, first: int = 0) -> Iterator[tuple[int, Said]]:
    for seed in range(first, first + count):
        yield seed, random_said(seed)
