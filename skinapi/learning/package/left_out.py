"""What a network makes of a source that it learned nothing from: `train --leave-out`, and
`evaluate --left-out` for a model that never saw it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.errors import BadDataset
from skinapi.learning.data.samples import source_of
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.measure.served_results.served_figures import (
    select_one_per_lesion,
    serve_as_if_tested,
)
from skinapi.learning.package.fit_bands import Scores, SourceScores, is_malignant
from skinapi.storage.files import written_durably
from skinapi.vision.bands import THRESHOLDS, OperatingPoint, is_sent, keys_of_threshold
from skinapi.vision.calibration.detectors import KNOWN
from skinapi.vision.context import Modality
from skinapi.vision.network.model import Model


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One source: its row of figures, and the malignant scores of its lesions."""

    source: str
    command: str
    figures: Mapping[str, Any]
    scores: SourceScores

    def for_card(self) -> dict[str, Any]:
        return {"source": self.source, "command": self.command, "figures": dict(self.figures)}


def malignant_scores(model: Model, outputs: ModelOutputs) -> dict[str, SourceScores]:
    """By source and modality the malignant scores of one picture of each lesion. A lesion that is
    sent to a doctor whatever the thresholds are, as where it is in doubt, has the score 1.
    """
    places = [
        place for place, key in enumerate(model.labels) if key in keys_of_threshold("malignant")
    ]
    found: dict[str, dict[Modality, Scores]] = {}
    for modality in KNOWN:
        lesions = select_one_per_lesion(outputs, modality)
        if not lesions.samples:
            continue
        calibration = model.calibration.of(modality)
        scores = calibration.probabilities(lesions.logits)[:, places].sum(axis=1)
        scores = np.where(_sent_anyway(model, lesions), 1.0, scores).round(4)
        sources = np.array([source_of(sample) for sample in lesions.samples])
        malignant = np.array([is_malignant(sample) for sample in lesions.samples], bool)
        for source in np.unique(sources).tolist():
            own = sources == source
            found.setdefault(source, {})[modality] = Scores(
                malignant=tuple(sorted(scores[own & malignant].tolist())),
                benign=tuple(sorted(scores[own & ~malignant].tolist())),
            )
    return dict(found)


def _sent_anyway(model: Model, lesions: ModelOutputs) -> NDArray[np.bool_]:
    """Which would be sent with thresholds that no score reaches."""
    never: dict[str, Any] = {
        "thresholds": dict.fromkeys(THRESHOLDS, 1.0),
        "sent": dict.fromkeys(OperatingPoint, 1.0),
    }
    calibration = model.calibration
    unreached = calibration.model_copy(
        update={kind.value: calibration.of(kind).model_copy(update=never) for kind in KNOWN}
    )
    results = serve_as_if_tested(model.with_calibration(unreached), lesions)
    return np.array([is_sent(result.assessment.band) for result in results], bool)


def write_left_out(
    path: Path,
    command: str,
    figures: Mapping[str, Any],
    scores: Mapping[str, SourceScores],
) -> None:
    """Writes the rows of the sources in `figures`: over one picture of each lesion where the
    lesions are known.
    """
    rows = figures.get("one_per_lesion", figures)["by_source"]
    content = [
        {
            "source": source,
            "command": command,
            "figures": row,
            "scores": {str(kind): one.model_dump() for kind, one in scores[source].items()},
        }
        for source, row in rows.items()
    ]
    with written_durably(path) as draft:
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_left_out(paths: Sequence[Path]) -> list[LeftOut]:
    """The contents of these files, by source. Raises BadDataset for anything else."""
    read = [entry for path in paths for entry in _read(path)]
    if len({entry.source for entry in read}) < len(read):
        raise BadDataset("Two files have figures of the same source")
    return sorted(read, key=lambda entry: entry.source)


def _read(path: Path) -> list[LeftOut]:
    try:
        return [
            LeftOut(
                source=str(entry["source"]),
                command=str(entry["command"]),
                figures=dict(entry["figures"]),
                scores={
                    Modality(kind): Scores.model_validate(one)
                    for kind, one in entry["scores"].items()
                },
            )
            for entry in _entries(json.loads(path.read_text(encoding="utf-8")))
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
        raise BadDataset(f"{path} is not a file that train --leave-out wrote") from broken


def _entries(content: Any) -> list[Any]:
    if not isinstance(content, list) or not content:
        raise TypeError
    return content
