"""What a model answered to labelled pictures, through the same engine as in serving."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinapi.errors import BadDataset
from skinapi.learning.augment import DIHEDRAL
from skinapi.learning.datasets import Sample, one_per_lesion
from skinapi.learning.progress import Progress, Report
from skinapi.vision.calibration import softmax
from skinapi.vision.conditions import conditions_table
from skinapi.vision.model import Model
from skinapi.vision.picture import open_picture

BATCH = 8


@dataclass(frozen=True, slots=True)
class Answers:
    """Raw logits for every picture, in the order of the samples."""

    samples: Sequence[Sample]
    logits: NDArray[np.float32]

    def take(self, rows: Iterable[int]) -> "Answers":
        chosen = list(rows)
        return Answers([self.samples[row] for row in chosen], self.logits[chosen])

    def one_per_lesion(self) -> "Answers":
        place = {sample.image_id: row for row, sample in enumerate(self.samples)}
        return self.take(sorted(place[s.image_id] for s in one_per_lesion(self.samples)))


def ask_model(
    model: Model,
    samples: Sequence[Sample],
    *,
    report: Report,
    turns: int = 1,
    change: Callable[[Image.Image], Image.Image] | None = None,
) -> Answers:
    """Every picture through the same decoding, preprocessing and engine as in serving; `change` is
    what befalls it before. Serving shows one view; of more `turns` the answer is the mean.
    """
    progress = Progress("evaluate", len(samples), report)
    rows = []
    for start in range(0, len(samples), BATCH):
        pictures = [open_picture(s.path.read_bytes()) for s in samples[start : start + BATCH]]
        if change is not None:
            pictures = [change(picture.convert("RGB")) for picture in pictures]
        rows.append(_logits(model, pictures, turns))
        progress.advance(len(pictures))
    if not rows:
        raise BadDataset("There is no picture to evaluate")
    return Answers(samples, np.concatenate(rows))


def _logits(model: Model, pictures: Sequence[Image.Image], turns: int) -> NDArray[np.float32]:
    views = [
        [picture if way is None else picture.transpose(way) for picture in pictures]
        for way in DIHEDRAL[:turns]
    ]
    return np.asarray(np.mean([model.read(view).logits for view in views], axis=0), np.float32)


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers narrowed to the lesion classes that the labels hold, renormalised over those."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    uncalibrated: NDArray[np.float64]
    labels: NDArray[np.int64]
    samples: Sequence[Sample]
    refused: NDArray[np.bool_]

    @property
    def lesions(self) -> list[str]:
        return [sample.lesion_id for sample in self.samples]

    def rows(self, chosen: NDArray[Any]) -> "Judged":
        numbers = np.arange(len(self.samples))[chosen]
        return Judged(
            classes=self.classes,
            probabilities=self.probabilities[chosen],
            uncalibrated=self.uncalibrated[chosen],
            labels=self.labels[chosen],
            samples=[self.samples[number] for number in numbers],
            refused=self.refused[chosen],
        )


def judge(model: Model, answers: Answers) -> Judged:
    """Normal skin and classes without a labelled picture are left out of numerator and denominator
    alike.
    """
    held = {sample.label for sample in answers.samples}
    classes = tuple(key for key in model.labels if key in held and key in lesion_classes())
    if len(classes) < 2:
        raise BadDataset("The labels hold fewer than two of the classes that the model knows")
    wanted = [row for row, sample in enumerate(answers.samples) if sample.label in classes]
    kept = answers.take(wanted)
    logits = kept.logits[:, [model.labels.index(key) for key in classes]]
    floor = model.calibration.unlike_training
    energy = model.calibration.energy(kept.logits)
    return Judged(
        classes=classes,
        probabilities=softmax(logits, model.calibration.temperature),
        uncalibrated=softmax(logits),
        labels=np.array([classes.index(sample.label) for sample in kept.samples]),
        samples=kept.samples,
        refused=np.zeros(len(wanted), bool) if floor is None else energy < floor,
    )


def lesion_classes() -> tuple[str, ...]:
    """The seven lesion classes in the order of their short names, which is every client's order."""
    lesions = [(c.dx, c.key) for c in conditions_table().conditions if c.dx is not None]
    return tuple(key for _, key in sorted(lesions))
