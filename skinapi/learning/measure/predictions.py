from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.data.augmentation import Change
from skinapi.learning.data.samples import (
    Sample,
    label_for,
    one_per_lesion,
    read_sample,
    read_training_photo,
    skin_tone,
)
from skinapi.learning.measure import metrics
from skinapi.learning.measure.metrics import Difference
from skinapi.learning.progress import Progress, Report
from skinapi.model.assessment import Assessment, assess, choose_stated
from skinapi.model.calibration import Calibration, softmax
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Context, Modality
from skinapi.model.decoding.photo import Photo
from skinapi.model.network.model import Model
from skinapi.model.network.picture import measure_quality
from skinapi.model.refusals import Reason

BATCH = 8
FOUND = "found"

Figure = Callable[[metrics.Floats, metrics.Labels], float]
GAINS: Mapping[str, Figure] = {
    "macro_auc": metrics.macro_auc,
    "balanced_accuracy": metrics.balanced_accuracy,
}
# The share of the malignant lesions that are sent to a doctor at the standard operating point.
SENT = 0.98


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """The logits and pooled features of every sample, in order. `unfit` maps an image id to the
    reason why serving would refuse the picture.
    """

    samples: Sequence[Sample]
    logits: NDArray[np.float32]
    pooled: NDArray[np.float32]
    unfit: Mapping[str, Reason] = field(default_factory=dict)

    def take(self, rows: Iterable[int]) -> "ModelOutputs":
        chosen = list(rows)
        samples = [self.samples[row] for row in chosen]
        return ModelOutputs(samples, self.logits[chosen], self.pooled[chosen], self.unfit)

    def where(self, holds: Callable[[Sample], bool]) -> "ModelOutputs":
        return self.take(row for row, sample in enumerate(self.samples) if holds(sample))

    def one_per_lesion(self) -> "ModelOutputs":
        place = {sample.image_id: row for row, sample in enumerate(self.samples)}
        return self.take(sorted(place[s.image_id] for s in one_per_lesion(self.samples)))

    def lesions_of(self, modality: Modality) -> "ModelOutputs":
        return self.where(lambda sample: sample.is_lesion and sample.modality is modality)


def run_model(
    model: Model, samples: Sequence[Sample], *, report: Report, change: Change | None = None
) -> ModelOutputs:
    progress = Progress("evaluate", len(samples), report)
    rows: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    unfit: dict[str, Reason] = {}
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        photos = [_load_photo(sample, change) for sample in batch]
        for sample, photo in zip(batch, photos, strict=True):
            # A part cut out of a picture would fail for its size: nobody uploads such a part.
            if sample.box is None and (why := measure_quality(photo, model.card.seen).reasons):
                unfit[sample.image_id] = why[0]
        reading = model.read([photo.pixels for photo in photos])
        rows.append((reading.logits, reading.pooled))
        progress.advance(len(photos))
    if not rows:
        raise BadDataset("There is no picture to evaluate")
    logits, pooled = (np.concatenate(outputs) for outputs in zip(*rows, strict=True))
    return ModelOutputs(label_for(samples, model.labels), logits, pooled, unfit)


def _load_photo(sample: Sample, change: Change | None) -> Photo:
    photo = read_training_photo(read_sample(sample))
    if change is None:
        return photo
    changed = change(photo.pixels.convert("RGB"))
    return replace(photo, pixels=changed, width=changed.width, height=changed.height)


@dataclass(frozen=True, slots=True)
class ServedResult:
    """What a user gets for one picture. With `refused`, the user gets only this reason; the
    assessment is kept for figures over all pictures.
    """

    assessment: Assessment
    refused: Reason | None


def name_result(result: ServedResult) -> str:
    if result.refused is not None:
        return f"refused: {result.refused.value}"
    reasons = result.assessment.reasons
    return f"uncertain: {' and '.join(reasons)}" if reasons else FOUND


def tell_nothing(sample: Sample) -> Context:
    return Context(modality=sample.modality)


def serve_outputs(
    model: Model, outputs: ModelOutputs, tell: Callable[[Sample], Context] = tell_nothing
) -> list[ServedResult]:
    results = []
    for sample, logits, pooled in zip(outputs.samples, outputs.logits, outputs.pooled, strict=True):
        assessment = assess(
            model.calibration,
            labels=model.labels,
            logits=logits,
            pooled=pooled,
            context=tell(sample),
        )
        not_skin = Reason.NOT_SKIN if assessment.something_else else None
        results.append(ServedResult(assessment, outputs.unfit.get(sample.image_id, not_skin)))
    return results


@dataclass(frozen=True, slots=True)
class Predictions:
    """Class probabilities and true labels, for the lesion classes among the labels.

    - `probabilities`: renormalised over `classes`
    - `named`: the class that the naming rule states when not in doubt
    - `stated`: the class that a client gets, considering doubts; -1 if it is not in `classes` or
      the picture is refused
    - `calibrated_as`: the modality whose calibration was used
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    samples: Sequence[Sample]
    refused: NDArray[np.bool_]
    named: NDArray[np.int64]
    stated: NDArray[np.int64]
    calibrated_as: NDArray[np.str_]

    @property
    def groups(self) -> list[str]:
        return [bootstrap_group(sample) for sample in self.samples]

    def select(self, chosen: NDArray[Any]) -> "Predictions":
        rows = np.arange(len(self.samples))[chosen]
        arrays = {
            column.name: values[rows]
            for column in fields(self)
            if isinstance(values := getattr(self, column.name), np.ndarray)
        }
        return replace(self, samples=[self.samples[row] for row in rows], **arrays)


def predict(
    model: Model,
    outputs: ModelOutputs,
    results: Sequence[ServedResult] | None = None,
    *,
    apart: bool = False,
) -> Predictions:
    """Normal skin and classes without a labelled picture are omitted, and the rest renormalised.
    Squamous cell carcinoma counts as actinic keratosis, unless `apart`.
    """
    count = partial(count_as, outputs=model.labels if apart else ())
    classes = shared_classes(model, outputs, apart=apart)
    if len(classes) < 2:
        raise BadDataset("The labels hold fewer than two of the classes that the model knows")
    wanted = [row for row, sample in enumerate(outputs.samples) if count(sample.label) in classes]
    kept = outputs.take(wanted)
    given = serve_outputs(model, kept) if results is None else [results[row] for row in wanted]
    own = [key for key in model.labels if count(key) in classes]
    place = [classes.index(count(key)) for key in own]
    logits = kept.logits[:, [model.labels.index(key) for key in own]]
    used = [
        calibration_modality(sample, result)
        for sample, result in zip(kept.samples, given, strict=True)
    ]
    calibrations = [model.calibration.for_modality(modality) for modality in used]
    temperatures = np.array([calibration.temperature for calibration in calibrations])
    probabilities = softmax(logits / temperatures[:, None])
    stated = ["" if result.refused else count(result.assessment.stated) for result in given]
    return Predictions(
        classes=classes,
        probabilities=_add_columns(probabilities, place, len(classes)),
        labels=np.array([classes.index(count(sample.label)) for sample in kept.samples]),
        samples=kept.samples,
        refused=np.array([result.refused is not None for result in given]),
        named=np.array(place)[name_classes(calibrations, own, probabilities)],
        stated=np.array([classes.index(key) if key in classes else -1 for key in stated]),
        calibrated_as=np.array(used, np.str_),
    )


def _add_columns(
    probabilities: NDArray[np.float64], place: Sequence[int], columns: int
) -> NDArray[np.float64]:
    added = np.zeros((len(probabilities), columns))
    for column, to in enumerate(place):
        added[:, to] += probabilities[:, column]
    return added


def count_as(key: str, outputs: Collection[str] = ()) -> str:
    return conditions_table().counted_as(key, outputs) or key


def name_classes(
    calibrations: Sequence[Calibration], classes: Sequence[str], probabilities: NDArray[np.float64]
) -> NDArray[np.int64]:
    named = [
        choose_stated(dict(zip(classes, row, strict=True)), calibration, uncertain=False)
        for row, calibration in zip(probabilities.tolist(), calibrations, strict=True)
    ]
    return np.array([classes.index(key) for key in named])


def calibration_modality(sample: Sample, result: ServedResult) -> Modality:
    known = sample.modality is not Modality.UNKNOWN
    return sample.modality if known else result.assessment.calibrated_as


def bootstrap_group(sample: Sample) -> str:
    """The patient if known, or else the lesion: pictures of the same one are not independent."""
    if sample.patient_id:
        return f"{sample.source}:patient:{sample.patient_id}"
    return sample.lesion_key


def shared_classes(model: Model, outputs: ModelOutputs, *, apart: bool = False) -> tuple[str, ...]:
    count = partial(count_as, outputs=model.labels if apart else ())
    held = {count(sample.label) for sample in outputs.samples if sample.is_lesion}
    known = dict.fromkeys(map(count, model.labels))
    return tuple(key for key in known if key in held)


def lesion_classes() -> tuple[str, ...]:
    """The seven lesion classes in the order that clients expect: that of their short names."""
    lesions = [c for c in conditions_table().conditions if c.dx and c.counted_as is None]
    return tuple(c.key for c in sorted(lesions, key=lambda c: c.dx or ""))


def compare_predictions(
    first: Predictions, second: Predictions, figures: Mapping[str, Figure] | None = None
) -> dict[str, Difference]:
    same = [s.image_id for s in first.samples] == [s.image_id for s in second.samples]
    if not same or first.classes != second.classes:
        raise BadDataset("Only answers to the same pictures and classes can be compared")
    draws = metrics.draw_bootstrap(first.groups)
    answers = [(each.probabilities, each.labels) for each in (first, second)]

    def measure(figure: Figure, side: int, rows: metrics.Rows) -> float:
        probabilities, labels = answers[side]
        return figure(probabilities[rows], labels[rows])

    return {
        name: Difference.between(partial(measure, figure, 0), partial(measure, figure, 1), draws)
        for name, figure in (figures or choose_figures(first)).items()
    }


def choose_figures(predictions: Predictions) -> Mapping[str, Figure]:
    """Melanoma and malignant lesions only have figures if they are among the labels."""
    figures = {**GAINS, "log_loss": metrics.log_loss, "ece": metrics.ece}
    keys = conditions_table().malignant_keys
    malignant = [place for place, key in enumerate(predictions.classes) if key in keys]
    if "melanoma" in predictions.classes:
        place = predictions.classes.index("melanoma")
        figures["melanoma_auc"] = lambda p, y: metrics.auc(p[:, place], y == place)
    if 0 < len(malignant) < len(predictions.classes):
        figures["malignant_auc"] = lambda p, y: metrics.auc(
            p[:, malignant].sum(axis=1), np.isin(y, malignant)
        )
        figures[f"specificity_at_{SENT:.0%}"] = lambda p, y: metrics.specificity_at_sensitivity(
            p[:, malignant].sum(axis=1), np.isin(y, malignant), SENT
        )
    return figures


def split_by_group(predictions: Predictions) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    groups: dict[str, list[int]] = {}
    for row, sample in enumerate(predictions.samples):
        names = [f"{sample.source}, {sample.modality}", f"all {sample.modality}"]
        if (tone := skin_tone(sample)) is not None:
            names.append(f"{tone} skin")
        for name in names:
            groups.setdefault(name, []).append(row)
    for name, rows in sorted(groups.items()):
        if np.unique(predictions.labels[rows]).size > 1:
            yield name, np.isin(np.arange(len(predictions.samples)), rows)
