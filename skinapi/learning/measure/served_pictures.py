"""Pictures with what a user would get for them: a table with a row for each, by serving's rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skinapi.learning.data.samples import UNKNOWN, Sample, skin_tone, source_of
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    Predictions,
    ServedResult,
    bootstrap_group,
    calibration_modality,
    name_result,
    predict,
    serve_outputs,
)
from skinapi.model.bands import urgency
from skinapi.model.calibration.detectors import KNOWN
from skinapi.model.calibration.model_calibration import (
    ENOUGH_TESTED,
    LEVELS,
    Calibration,
    HeldOutFigures,
    ModelCalibration,
)
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding.finding import Doubt
from skinapi.model.network.model import Model

# A refused picture gets no band, so it reaches none.
REACHED = {
    "sent": Band.DOCTOR_REVIEW,
    "referral_or_higher": Band.REFERRAL,
    "told_urgent": Band.URGENT_REFERRAL,
}


@dataclass(frozen=True, slots=True)
class ServedPictures:
    """What the network answered, what a user would get, and both as a `table` of `tabulate`."""

    model: Model
    outputs: ModelOutputs
    results: Sequence[ServedResult]
    table: pd.DataFrame

    @property
    def lesions(self) -> "ServedPictures":
        return self.where(self.table["is_lesion"])

    def where(self, chosen: pd.Series) -> "ServedPictures":
        rows = np.flatnonzero(chosen).tolist()
        return ServedPictures(
            self.model,
            self.outputs.take(rows),
            [self.results[row] for row in rows],
            self.table.iloc[rows],
        )

    def one_per_lesion(self) -> "ServedPictures":
        """One picture of each lesion, the first by name; no normal skin."""
        lesions = self.table[self.table["is_lesion"]]
        first = lesions.sort_values("image_id").drop_duplicates("lesion").index
        return self.where(self.table.index.isin(first))

    def by(self, column: str) -> dict[str, "ServedPictures"]:
        names = self.table[column]
        return {name: self.where(names == name) for name in sorted(names.unique())}

    def predict(self, *, apart: bool = False) -> Predictions:
        return predict(self.model, self.outputs, self.results, apart=apart)


def serve_pictures(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult] | None = None
) -> ServedPictures:
    """Serves the outputs, unless the `results` are there already."""
    served = serve_outputs(model, outputs) if results is None else results
    return ServedPictures(model, outputs, served, tabulate(outputs.samples, served))


def serve_as_if_tested(
    model: Model, outputs: ModelOutputs, *, use_modality: bool = True
) -> ServedPictures:
    """The same without one rule of serving: no band below doctor_review for a modality with few
    tested lesions. With that rule a new model would get a sensitivity of 1 on any data.

    With `use_modality` False the client names no modality, so the model has to recognise it.
    """
    calibration = model.calibration
    measured = calibration.model_copy(
        update={modality.value: _as_if_tested(calibration, modality) for modality in KNOWN}
    )
    results = serve_outputs(model.with_calibration(measured), outputs, use_modality=use_modality)
    return serve_pictures(model, outputs, results)


def _as_if_tested(calibration: ModelCalibration, modality: Modality) -> Calibration:
    tested = HeldOutFigures(
        modality=modality, lesions=ENOUGH_TESTED, malignant=ENOUGH_TESTED, sensitivity=0.0
    )
    return calibration.of(modality).model_copy(update={"tested": tested})


def tabulate(samples: Sequence[Sample], results: Sequence[ServedResult]) -> pd.DataFrame:
    """A row for each picture: what its data set says of it, and what a user would be told.

    - `modality`: that of the data set; `calibrated_as`: whose calibration was used
    - `group`: what a bootstrap draws as a whole; `tone`: the skin tone
    - `sent`, `referral_or_higher`, `told_urgent`: has this band or a more urgent one
    - `recognised`: right, wrong or unsure, of the modality; `detected`: there is a detector of it
    - `size_…`, `covered_…`, `too_few_…`: the prediction set of each level
    """
    return pd.DataFrame(map(_row, samples, results))


def _row(sample: Sample, result: ServedResult) -> dict[str, Any]:
    told, refused = result.assessment, result.refused is not None
    malignant = conditions_table().malignant_keys
    probabilities = told.probabilities
    most_probable = max(probabilities, key=lambda key: probabilities[key])
    recognised = told.modality.recognised
    return {
        "image_id": sample.image_id,
        "label": sample.label,
        "source": source_of(sample),
        "modality": sample.modality.value,
        "calibrated_as": calibration_modality(sample, result).value,
        "tone": skin_tone(sample) or UNKNOWN,
        "lesion": sample.lesion_key,
        "group": bootstrap_group(sample),
        "is_lesion": sample.is_lesion,
        "squamous": sample.is_squamous,
        "malignant": sample.label in malignant,
        "refused": refused,
        "reason": result.refused.value if result.refused else "",
        "outcome": name_result(result),
        "in_doubt": not refused and bool(told.reasons),
        "unlike": Doubt.UNLIKE_TRAINING in told.reasons,
        "looks_healthy": most_probable == NORMAL_SKIN,
        "called_malignant": not refused and told.stated in malignant,
        "recognised": "unsure"
        if recognised is Modality.UNKNOWN
        else ("wrong", "right")[recognised is sample.modality],
        "detected": told.modality.dermoscopic_probability is not None,
        **{
            name: not refused and urgency(told.band) <= urgency(band)
            for name, band in REACHED.items()
        },
        **_sets(sample, result),
    }


def _sets(sample: Sample, result: ServedResult) -> dict[str, Any]:
    """NaN is the size of a set that the calibration does not have."""
    found = {one.level: one for one in result.assessment.not_ruled_out}
    row: dict[str, Any] = {}
    for level in LEVELS:
        one = found.get(level)
        row |= {
            f"size_{level}": len(one.keys) if one else np.nan,
            f"covered_{level}": one is not None and sample.label in one.keys,
            f"too_few_{level}": one is not None and sample.label in one.too_few,
        }
    return row
