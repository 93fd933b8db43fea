import random
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import skinapi
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.conditions import conditions_table
from skinapi.model.context import AGE_BANDS, BODY_SITES, OLDEST, Context, Modality, Sex
from skinapi.model.detectors import (
    LinearClassifier,
    ModalityDetector,
    OtherDiseaseDetector,
    SkinDetector,
)
from skinapi.model.patient_facts import Fact, PatientFactsTable, ToldLimits, name_told

SHIPPED = Path(skinapi.__file__).parent / "models/resnet50/calibration.json"
LABELS = conditions_table().keys
SIGNS = [item.key for item in conditions_table().checklist.items]


def _one_feature(place: int) -> LinearClassifier:
    return LinearClassifier.from_weights(np.eye(3, dtype=np.float32)[place], 0.0)


def shipped_calibration() -> ModelCalibration:
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


def with_tables(
    calibration: ModelCalibration, draw: random.Random | None, *, spread: float = 1.0
) -> ModelCalibration:
    """Give the facts some weight, or none if nothing is drawn."""
    kinds = {"dermoscopic": calibration.dermoscopic, "clinical": calibration.clinical}
    changed = {
        kind: entry.model_copy(
            update={"patient_facts": _table(draw, entry, spread=spread) if draw else None}
        )
        for kind, entry in kinds.items()
        if entry
    }
    return calibration.model_copy(update=changed)


def _table(draw: random.Random, calibration: Calibration, *, spread: float) -> PatientFactsTable:
    def shifts() -> dict[str, float]:
        return {label: draw.gauss(0, spread) for label in LABELS}

    asked = draw.sample(SIGNS, 4)
    sets = [facts for count in range(1, 5) for facts in combinations(Fact, count)]
    return PatientFactsTable(
        age={years: shifts() for years in (15, 40, 65, 90)},
        sex={"female": shifts(), "male": shifts()},
        body_site={site: shifts() for site in draw.sample(BODY_SITES, 10)},
        ticked={sign: shifts() for sign in asked},
        not_ticked={sign: shifts() for sign in asked},
        limits={
            name_told(facts): _limits(draw, calibration) for facts in sets if draw.random() < 0.8
        },
    )


def _limits(draw: random.Random, calibration: Calibration) -> ToldLimits:
    def times(limit: float) -> float:
        return min(1.0, limit * draw.choice([0.5, 1, 2, 5, 50]))

    return ToldLimits(
        thresholds={name: times(limit) for name, limit in calibration.thresholds.items()},
        sent={point: times(calibration.sent.get(point, 0.05)) for point in OperatingPoint},
    )


def random_logits(draw: random.Random) -> NDArray[np.float32]:
    spread, benign = draw.choice([0.1, 0.3, 1.0]), draw.choice([1, 10, 50])
    malignant = conditions_table().malignant_keys
    shares = [
        (draw.gammavariate(spread, 1) + 1e-4) * (1 if key in malignant else benign)
        for key in LABELS
    ]
    return (1.5 * np.log(shares)).astype(np.float32)


def random_features(draw: random.Random) -> NDArray[np.float32]:
    return np.array([draw.gauss(0, 4), draw.gauss(-3, 2), draw.gauss(-3, 2)], np.float32)


def random_context(draw: random.Random) -> Context:
    ticked = tuple(draw.sample(SIGNS, draw.choice([0, 1, 1, 2, 3])))
    told = draw.random() < 0.5
    age = draw.randint(0, OLDEST) if told and draw.random() < 0.7 else None
    return Context(
        modality=draw.choice(list(Modality)),
        age=age,
        age_band=draw.choice(AGE_BANDS) if told and age is None else None,
        sex=draw.choice(cast("list[Sex | None]", ["female", "male", "other", None]))
        if told
        else None,
        body_site=draw.choice([*BODY_SITES, None]) if told else None,
        fitzpatrick=cast("Any", draw.choice([None, None, 2, 4, 6])),
        checklist=ticked if draw.random() < 0.5 else None,
        skin_confirmed=True,
        text_in_picture=draw.random() < 0.05,
    )
