"""The options of every command: each is a field of the command's dataclass, with its default and
help. No training framework is imported here.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

# Spelled out again, so that `--help` loads no training framework; a test compares them.
ARCHITECTURES = ("ResNet50", "DenseNet169", "MobileNetV2", "EfficientNetB3")
Optimizer = Literal["AdamW", "Adam", "SGD", "RMSprop"]
Modality = Literal["dermoscopic", "clinical", "unknown"]


def split_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _rate(text: str) -> float:
    rate = float(text)
    if not 0.0 < rate <= 1.0:
        raise argparse.ArgumentTypeError("more than 0 and at most 1")
    return rate


class Argument:
    def __init__(self, text: str = "", *names: str, **more: Any) -> None:
        self.text, self.names, self.more = text, names, more


NormalSkin = Annotated[
    str | None,
    Argument("a folder of pictures of healthy skin, FOLDER[,modality=...]", metavar="SOURCE"),
]
CutNormalSkin = Annotated[
    bool,
    Argument(
        "also cut patches of normal skin from the pictures, away from the lesion, one for each "
        "patient"
    ),
]
NotSkin = Annotated[
    Path | None,
    Argument(
        "a folder of pictures of anything but skin: every other one by name fits the skin "
        "detector, the rest measures it"
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    data: Annotated[
        list[str],
        Argument(
            "one or more sources, each with a CSV file beside its pictures or one folder for each "
            "class: FOLDER[,modality=dermoscopic|clinical|unknown][,licence=TEXT][,share=0..1]"
            "[,labels=FILE]",
            metavar="SOURCE",
        ),
    ]
    skip_unknown_labels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions(SourceOptions):
    normal_skin: NormalSkin = None
    cut_normal_skin: CutNormalSkin = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions(PictureOptions):
    """The order of the fields is the order of the options in the card's command."""

    split: Annotated[
        Path | None,
        Argument("a split file to keep; pictures it does not name are split 70/10/20 by patient"),
    ] = None
    architecture: Annotated[str, Argument(choices=ARCHITECTURES)] = "ResNet50"
    init: Annotated[
        str, Argument("starting weights: shipped, imagenet, none, a model folder or a weights file")
    ] = "shipped"
    weights: Annotated[Path | None, Argument("the folder of your ImageNet weights")] = None
    epochs: Annotated[
        int | None,
        Argument(
            "exactly so many; 0: make a model of the starting weights, trained elsewhere; else at "
            "most 8, until five bring nothing better"
        ),
    ] = None
    optimizer: Optimizer | None = None
    learning_rate: Annotated[float | None, Argument("the highest", type=_rate)] = None
    batch: Annotated[int | None, Argument("pictures in a step")] = None
    unbalanced: Annotated[
        bool,
        Argument("draw each class as often as it occurs, not by the square root of its pictures"),
    ] = False
    side: Annotated[int, Argument("input side of the network in pixels")] = 224
    seed: int = 0
    not_skin: NotSkin = None
    licence: str = "that of the pictures it was trained on"
    note: Annotated[list[str], Argument("a line for the model card", action="append")] = field(
        default_factory=list
    )
    work: Annotated[Path | None, Argument("folder of the checkpoints; give it again to resume")] = (
        None
    )
    out: Annotated[Path | None, Argument("the model folder to write")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOptions(PictureOptions):
    model: Annotated[Path, Argument("the model folder; what it has is replaced", "model")]
    not_skin: NotSkin = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    images: Path
    labels: Annotated[
        Path | None, Argument("CSV with image_id and dx, or with ISIC's one-hot columns")
    ] = None
    out: Annotated[Path | None, Argument("also write the figures to this JSON file")] = None
    modality: Annotated[
        Modality | None, Argument("modality of pictures whose table does not name one")
    ] = None
    stress: Annotated[bool, Argument("also measure degraded pictures and painted markings")] = False
    on_card: Annotated[
        bool,
        Argument(
            "write who is sent onto the model's card, as of a clinic that it never saw: of "
            "pictures from which it has learned nothing"
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions(SourceOptions):
    models: Annotated[Sequence[Path], Argument("two model folders", "models", nargs=2)]
    split: Annotated[Path, Argument("a split file; models are compared on its validation part")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    network: Annotated[Path, Argument("", "network")]
    labels: Annotated[
        tuple[str, ...],
        Argument(
            "labels of the outputs in order, such as mel,nv,bcc", type=split_words, nargs=None
        ),
    ]
    scaling: Annotated[
        Literal["caffe", "torch", "tf", "raw"],
        Argument("pixel scaling, named as in keras.applications; raw is 0..255"),
    ]
    side: Annotated[
        int | None, Argument("input side, needed where the network accepts any size")
    ] = None
    licence: str = "unknown"
    out: Annotated[Path | None, Argument("the model folder to write")] = None
