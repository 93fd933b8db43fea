"""What a model answered to labelled pictures, through the same engine and rules as in serving."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.errors import BadDataset, Refused, UnreadablePicture
from skinapi.learning.data.augmentation import DIHEDRAL
from skinapi.learning.data.samples import Sample, one_per_lesion, read_sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.assessment import Assessment, assess, state
from skinapi.vision.calibration import softmax
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import Context, Modality
from skinapi.vision.model import Model
from skinapi.vision.photo import Photo, read_photo
from skinapi.vision.quality import measure_quality
from skinapi.vision.refusals import Reason

BATCH = 8
Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """The network's two outputs for every picture, in the order of the samples.

    `unfit` holds, by image id, why the quality gates of serving refuse a picture.
    """

    samples: Sequence[Sample]
    logits: NDArray[np.float32]
    pooled: NDArray[np.float32]
    unfit: Mapping[str, Reason] = field(default_factory=dict)

    def take(self, rows: Iterable[int]) -> "ModelOutputs":
        chosen = list(rows)
        samples = [self.samples[row] for row in chosen]
        return ModelOutputs(samples, self.logits[chosen], self.pooled[chosen], self.unfit)

    def one_per_lesion(self) -> "ModelOutputs":
        place = {sample.image_id: row for row, sample in enumerate(self.samples)}
        return self.take(sorted(place[s.image_id] for s in one_per_lesion(self.samples)))


def run_model(
    model: Model,
    samples: Sequence[Sample],
    *,
    report: Report,
    turns: int = 1,
    change: Change | None = None,
) -> ModelOutputs:
    """Every picture through the same decoding, quality gates, preprocessing and engine as in
    serving; `change` is what befalls it after decoding. Serving shows one view; of more `turns` the
    answer is the mean.
    """
    progress = Progress("evaluate", len(samples), report)
    rows: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    unfit: dict[str, Reason] = {}
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        photos = [_load_photo(sample, change) for sample in batch]
        for sample, photo in zip(batch, photos, strict=True):
            # A part cut out of a picture is smaller than what anybody would upload.
            if sample.box is None and (why := measure_quality(photo).reasons):
                unfit[sample.image_id] = why[0]
        rows.append(_run_batch(model, [photo.pixels for photo in photos], turns))
        progress.advance(len(photos))
    if not rows:
        raise BadDataset("There is no picture to evaluate")
    logits, pooled = (np.concatenate(outputs) for outputs in zip(*rows, strict=True))
    return ModelOutputs(samples, logits, pooled, unfit)


def _load_photo(sample: Sample, change: Change | None) -> Photo:
    photo = _read_photo(sample)
    if change is None:
        return photo
    changed = change(photo.pixels.convert("RGB"))
    return replace(photo, pixels=changed, width=changed.width, height=changed.height)


def _read_photo(sample: Sample) -> Photo:
    try:
        return read_photo(read_sample(sample))
    except Refused as refused:
        raise UnreadablePicture from refused


def _run_batch(
    model: Model, pictures: Sequence[Image.Image], turns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    views = [
        [picture if way is None else picture.transpose(way) for picture in pictures]
        for way in DIHEDRAL[:turns]
    ]
    readings = [model.read(view) for view in views]
    logits = np.mean([reading.logits for reading in readings], axis=0)
    pooled = np.mean([reading.pooled for reading in readings], axis=0)
    return np.asarray(logits, np.float32), np.asarray(pooled, np.float32)


@dataclass(frozen=True, slots=True)
class ServedResult:
    """What a user gets for one picture: an assessment, or, where `refused` says why, none. The
    assessment that would have been given is kept for the figures over every picture.
    """

    found: Assessment
    refused: Reason | None


def serve_outputs(
    model: Model, outputs: ModelOutputs, *, use_modality: bool = True
) -> list[ServedResult]:
    """One for each picture. Its modality is told to the model where it is known, unless `told` is
    False: then the model has to recognise it.
    """
    results = []
    for sample, logits, pooled in zip(outputs.samples, outputs.logits, outputs.pooled, strict=True):
        found = assess(
            model.calibration,
            labels=model.labels,
            logits=logits,
            pooled=pooled,
            context=Context(modality=sample.modality if use_modality else Modality.UNKNOWN),
        )
        not_skin = Reason.NOT_SKIN if found.not_skin else None
        results.append(ServedResult(found, outputs.unfit.get(sample.image_id, not_skin)))
    return results


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers narrowed to the lesion classes that the labels hold, renormalised over those.

    `named` is each picture's class by the naming rule; `stated` what a client is told, doubts
    included, and -1 where that is none of the classes or the picture is refused. `calibrated_as`
    is the modality whose calibration was used.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    uncalibrated: NDArray[np.float64]
    labels: NDArray[np.int64]
    samples: Sequence[Sample]
    refused: NDArray[np.bool_]
    named: NDArray[np.int64]
    stated: NDArray[np.int64]
    calibrated_as: NDArray[np.str_]

    @property
    def lesions(self) -> list[str]:
        return [sample.lesion_key for sample in self.samples]

    @property
    def groups(self) -> list[str]:
        """Who is drawn together by a bootstrap."""
        return [bootstrap_group(sample) for sample in self.samples]

    def rows(self, chosen: NDArray[Any]) -> "Predictions":
        numbers = np.arange(len(self.samples))[chosen]
        return replace(
            self,
            probabilities=self.probabilities[chosen],
            uncalibrated=self.uncalibrated[chosen],
            labels=self.labels[chosen],
            samples=[self.samples[number] for number in numbers],
            refused=self.refused[chosen],
            named=self.named[chosen],
            stated=self.stated[chosen],
            calibrated_as=self.calibrated_as[chosen],
        )


def predict(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult] | None = None
) -> Predictions:
    """Normal skin and classes without a labelled picture are left out of numerator and denominator
    alike. `served` spares a caller that has it already the second assessment.
    """
    classes = shared_classes(model, outputs)
    if len(classes) < 2:
        raise BadDataset("The labels hold fewer than two of the classes that the model knows")
    wanted = [row for row, sample in enumerate(outputs.samples) if sample.label in classes]
    kept = outputs.take(wanted)
    given = serve_outputs(model, kept) if results is None else [results[row] for row in wanted]
    logits = kept.logits[:, [model.labels.index(key) for key in classes]]
    used = [
        calibration_modality(sample, one) for sample, one in zip(kept.samples, given, strict=True)
    ]
    temperatures = np.array([model.calibration.of(modality).temperature for modality in used])
    probabilities = softmax(logits / temperatures[:, None])
    use_modality = ["" if one.refused else one.found.stated for one in given]
    return Predictions(
        classes=classes,
        probabilities=probabilities,
        uncalibrated=softmax(logits),
        labels=np.array([classes.index(sample.label) for sample in kept.samples]),
        samples=kept.samples,
        refused=np.array([one.refused is not None for one in given]),
        named=_name_classes(model, classes, probabilities, used),
        stated=np.array([classes.index(key) if key in classes else -1 for key in use_modality]),
        calibrated_as=np.array(used, np.str_),
    )


def _name_classes(
    model: Model,
    classes: Sequence[str],
    probabilities: NDArray[np.float64],
    used: Sequence[Modality],
) -> NDArray[np.int64]:
    named = [
        state(dict(zip(classes, row, strict=True)), model.calibration.of(modality), uncertain=False)
        for row, modality in zip(probabilities.tolist(), used, strict=True)
    ]
    return np.array([classes.index(key) for key in named])


def calibration_modality(sample: Sample, results: ServedResult) -> Modality:
    """As its data set says, or as the model took it where nobody knows."""
    known = sample.modality is not Modality.UNKNOWN
    return sample.modality if known else results.found.calibrated_as


def bootstrap_group(sample: Sample) -> str:
    """The patient where known, else the lesion: pictures of one are not independent."""
    if sample.patient_id:
        return f"{sample.source}:patient:{sample.patient_id}"
    return sample.lesion_key


def shared_classes(model: Model, outputs: ModelOutputs) -> tuple[str, ...]:
    """The lesion classes that both the model and the labels know, in the model's order."""
    held = {sample.label for sample in outputs.samples}
    return tuple(key for key in model.labels if key in held and key in lesion_classes())


def lesion_classes() -> tuple[str, ...]:
    """The seven lesion classes in the order of their short names, which is every client's order."""
    lesions = [(c.dx, c.key) for c in conditions_table().conditions if c.dx is not None]
    return tuple(key for _, key in sorted(lesions))
