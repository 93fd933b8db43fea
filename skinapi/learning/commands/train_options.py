"""The options of the commands that make a model folder: `train`, `calibrate` and `export`.

A new option needs two lines here: the argument, and the field that carries it.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from skinapi.learning.commands.options import (
    NOT_SKIN,
    add_data,
    add_normal_skin,
    import_and_run,
    split_words,
)

if TYPE_CHECKING:
    from skinapi.learning.commands.options import Commands

# Spelled out again, so that `--help` loads no training framework; a test compares them.
ARCHITECTURES = ("ResNet50", "DenseNet169", "MobileNetV2", "EfficientNetB3")
OPTIMIZERS = ("AdamW", "Adam", "SGD", "RMSprop")
PHASES = (
    *("head", "last-blocks", "deeper-blocks", "coarse", "taught", "whole"),
    *("all-sources", "clinics"),
)


LEFT_OUT = (
    "files of `train --leave-out` or `evaluate --left-out`: for the card, and so that enough is "
    "sent to a doctor in a clinic that a network never saw"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """The order of the fields is the order of the options in the card's command."""

    data: list[str]
    skip_unknown_labels: bool
    normal_skin: str | None
    cut_normal_skin: bool = False
    split: Path | None
    architecture: str
    init: str
    weights: Path | None = None
    phases: tuple[str, ...] | None
    teachers: list[Path] = field(default_factory=list)
    keep: float | None = None
    epochs: int | None
    optimizer: str | None
    learning_rate: float | None
    batch: int | None
    unbalanced: bool
    views: int | None = None
    side: int
    seed: int = 0
    not_skin: Path | None
    leave_out: list[str] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    licence: str
    note: list[str]
    work: Path | None
    out: Path | None


def add_train(commands: "Commands") -> None:
    train = commands.add_parser("train", help="train a network on your own pictures")
    add_data(train)
    add_normal_skin(train)
    train.add_argument(
        "--split",
        type=Path,
        help="a split file to keep; pictures it does not name are split 70/10/20 by patient",
    )
    train.add_argument("--architecture", choices=ARCHITECTURES, default="ResNet50")
    train.add_argument(
        "--init",
        default="shipped",
        help="starting weights: shipped, imagenet, none, a model folder or a weights file",
    )
    train.add_argument("--weights", type=Path, help="the folder of your ImageNet weights")
    train.add_argument(
        "--phases",
        type=_phases,
        help=f"any of {', '.join(PHASES)}; default: by the number of sources",
    )
    train.add_argument(
        "--teachers",
        type=Path,
        nargs="+",
        default=[],
        help="model folders for knowledge distillation: targets mix labels with their predictions",
    )
    train.add_argument(
        "--keep", type=_share, help="share of the starting weights in the final ones"
    )
    train.add_argument("--epochs", type=int, help="upper limit for each phase")
    train.add_argument("--optimizer", choices=OPTIMIZERS, help="for each phase")
    train.add_argument("--learning-rate", type=_rate, help="the highest, for each phase")
    train.add_argument("--batch", type=int, help="pictures in a step, for each phase")
    train.add_argument(
        "--unbalanced",
        action="store_true",
        help="draw each class as often as it occurs, not by the square root of its pictures",
    )
    train.add_argument(
        "--views", type=int, help="cached augmented views per picture, in phases that cache them"
    )
    train.add_argument("--side", type=int, default=224, help="input side of the network in pixels")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    train.add_argument(
        "--leave-out",
        nargs="+",
        default=[],
        metavar="NAME",
        help="learn nothing from these sources, and measure on all their pictures; --out is then a "
        "JSON file of figures",
    )
    train.add_argument(
        "--left-out",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help=LEFT_OUT,
    )
    train.add_argument("--licence", default="that of the pictures it was trained on")
    train.add_argument("--note", action="append", default=[], help="a line for the model card")
    train.add_argument(
        "--work", type=Path, help="folder of the checkpoints; give it again to resume"
    )
    train.add_argument("--out", type=Path, help="the model folder to write")
    train.set_defaults(run=import_and_run("train", TrainOptions))


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    model: Path
    data: list[str]
    skip_unknown_labels: bool
    normal_skin: str | None
    cut_normal_skin: bool
    not_skin: Path | None
    split: Path | None
    left_out: list[Path] = field(default_factory=list)


def add_calibrate(commands: "Commands") -> None:
    calibrate = commands.add_parser(
        "calibrate",
        help="fit temperature, thresholds, prediction sets and detectors of a model again",
    )
    calibrate.add_argument("model", type=Path, help="the model folder; its calibration is replaced")
    add_data(calibrate)
    add_normal_skin(calibrate)
    calibrate.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    calibrate.add_argument(
        "--split", type=Path, help="a split file; default: the one in the model folder"
    )
    calibrate.add_argument(
        "--left-out", type=Path, nargs="+", default=[], metavar="FILE", help=LEFT_OUT
    )
    calibrate.set_defaults(run=import_and_run("calibrate", CalibrateOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    network: Path
    labels: tuple[str, ...]
    scaling: str
    side: int | None
    images: Path | None = None
    licence: str
    out: Path | None


def add_export(commands: "Commands") -> None:
    export = commands.add_parser(
        "export", help="make a model folder of your own .keras or .h5 network"
    )
    export.add_argument("network", type=Path)
    export.add_argument(
        "--labels",
        type=split_words,
        required=True,
        help="labels of the outputs in order, such as mel,nv,bcc",
    )
    export.add_argument(
        "--scaling",
        choices=("caffe", "torch", "tf", "raw"),
        required=True,
        help="pixel scaling, named as in keras.applications; raw is 0..255",
    )
    export.add_argument(
        "--side", type=int, help="input side, needed where the network accepts any size"
    )
    export.add_argument(
        "--images", type=Path, help="pictures for comparing Keras with the exported network"
    )
    export.add_argument("--licence", default="unknown")
    export.add_argument("--out", type=Path, help="the model folder to write")
    export.set_defaults(run=import_and_run("export", ExportOptions))


def _share(text: str) -> float:
    share = float(text)
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError("more than 0 and less than 1")
    return share


def _rate(text: str) -> float:
    rate = float(text)
    if not 0.0 < rate <= 1.0:
        raise argparse.ArgumentTypeError("more than 0 and at most 1")
    return rate


def _phases(text: str) -> tuple[str, ...]:
    phases = split_words(text)
    if not phases or any(phase not in PHASES for phase in phases):
        raise argparse.ArgumentTypeError(f"choose among {', '.join(PHASES)}")
    return phases
