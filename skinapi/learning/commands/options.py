"""The arguments of `train`, `calibrate`, `evaluate`, `compare` and `export`, and each command's
options as a typed value.

A new option needs two lines here, side by side: the argument, and the field that carries it.
"""

import argparse
import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

from skinapi.settings import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[Settings, argparse.Namespace], int]

# Spelled out again, so that `--help` loads no training framework; a test compares them.
ARCHITECTURES = ("ResNet50", "DenseNet169", "MobileNetV2", "EfficientNetB3")
TURNS = (1, 2, 8)
PHASES = ("head", "last-blocks", "deeper-blocks", "coarse", "taught", "whole", "all-sources")
MODALITIES = ("dermoscopic", "clinical", "unknown")

DATA = (
    "one or more sources, each with a CSV file beside its pictures or one folder for each class: "
    "FOLDER[,modality=dermoscopic|clinical|unknown][,licence=TEXT][,share=0..1][,labels=FILE]"
)
NORMAL_SKIN = "a folder of pictures of healthy skin, FOLDER[,modality=...]"
CUT_NORMAL_SKIN = (
    "also cut patches of normal skin from the pictures, away from the lesion, one for each patient"
)
NOT_SKIN = (
    "a folder of pictures of anything but skin: the first half fits the skin detector, the second "
    "half measures it"
)


def add_commands(commands: "Commands") -> None:
    _add_train(commands)
    _add_calibrate(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    _add_export(commands)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one command, one field for each argument."""

    @classmethod
    def from_namespace(cls, namespace: argparse.Namespace) -> Self:
        """Raises AttributeError where an argument is missing."""
        return cls(**{field.name: getattr(namespace, field.name) for field in fields(cls)})


def _import_and_run(action: str, options_type: type[Options]) -> Run:
    """Imports the command when it is called: TensorFlow takes seconds to load, and need not be
    installed to serve.
    """

    def run(settings: Settings, namespace: argparse.Namespace) -> int:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        module = importlib.import_module(f"skinapi.learning.commands.{action}")
        done: int = module.run(settings, options_type.from_namespace(namespace))
        return done

    return run


@dataclass(frozen=True, slots=True)
class TrainOptions(Options):
    """The order of the fields is the order of the options in the card's command."""

    data: list[str]
    skip_unknown_labels: bool
    normal_skin: str | None
    cut_normal_skin: bool
    split: Path | None
    architecture: str
    init: str
    weights: Path | None
    phases: tuple[str, ...] | None
    teachers: list[Path]
    keep: float | None
    epochs: int | None
    views: int | None
    side: int
    seed: int
    not_skin: Path | None
    licence: str
    note: list[str]
    work: Path | None
    out: Path | None


def _add_train(commands: "Commands") -> None:
    train = commands.add_parser("train", help="train a network on your own pictures")
    _add_data(train)
    _add_normal_skin(train)
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
    train.add_argument(
        "--views", type=int, help="cached augmented views per picture, in phases that cache them"
    )
    train.add_argument("--side", type=int, default=224, help="input side of the network in pixels")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    train.add_argument("--licence", default="that of the pictures it was trained on")
    train.add_argument("--note", action="append", default=[], help="a line for the model card")
    train.add_argument(
        "--work", type=Path, help="folder of the checkpoints; give it again to resume"
    )
    train.add_argument("--out", type=Path, help="the model folder to write")
    train.set_defaults(run=_import_and_run("train", TrainOptions))


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=DATA)
    parser.add_argument("--skip-unknown-labels", action="store_true")


def _add_normal_skin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--normal-skin", metavar="SOURCE", help=NORMAL_SKIN)
    parser.add_argument("--cut-normal-skin", action="store_true", help=CUT_NORMAL_SKIN)


@dataclass(frozen=True, slots=True)
class CalibrateOptions(Options):
    model: Path
    data: list[str]
    skip_unknown_labels: bool
    normal_skin: str | None
    cut_normal_skin: bool
    not_skin: Path | None
    split: Path | None


def _add_calibrate(commands: "Commands") -> None:
    calibrate = commands.add_parser(
        "calibrate",
        help="fit temperature, thresholds, prediction sets and detectors of a model again",
    )
    calibrate.add_argument("model", type=Path, help="the model folder; its calibration is replaced")
    _add_data(calibrate)
    _add_normal_skin(calibrate)
    calibrate.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    calibrate.add_argument(
        "--split", type=Path, help="a split file; default: the one in the model folder"
    )
    calibrate.set_defaults(run=_import_and_run("calibrate", CalibrateOptions))


@dataclass(frozen=True, slots=True)
class EvaluateOptions(Options):
    images: Path
    labels: Path | None
    out: Path | None
    split: Path | None
    part: str
    modality: str | None
    normal_skin: str | None
    cut_normal_skin: bool
    not_skin: Path | None
    turns: int
    stress: bool
    precision: str | None


def _add_evaluate(commands: "Commands") -> None:
    evaluate = commands.add_parser("evaluate", help="measure the served model on labelled pictures")
    evaluate.add_argument("--images", type=Path, required=True)
    evaluate.add_argument(
        "--labels", type=Path, help="CSV with image_id and dx, or with ISIC's one-hot columns"
    )
    evaluate.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    evaluate.add_argument("--split", type=Path, help="measure only one part of this split file")
    evaluate.add_argument("--part", choices=("validation", "test"), default="test")
    evaluate.add_argument(
        "--modality", choices=MODALITIES, help="modality of pictures whose table does not name one"
    )
    _add_normal_skin(evaluate)
    evaluate.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    evaluate.add_argument(
        "--turns",
        type=int,
        choices=TURNS,
        default=1,
        help="average over so many flipped and turned views",
    )
    evaluate.add_argument(
        "--stress",
        action="store_true",
        help="also measure degraded pictures, painted markings and heat maps",
    )
    evaluate.add_argument(
        "--precision", choices=("f32", "bf16"), help="default: the one in the model card"
    )
    evaluate.set_defaults(run=_import_and_run("evaluate", EvaluateOptions))


@dataclass(frozen=True, slots=True)
class CompareOptions(Options):
    models: list[Path]
    data: list[str]
    skip_unknown_labels: bool
    split: Path
    turns: Sequence[int]
    stress: bool


def _add_compare(commands: "Commands") -> None:
    compare = commands.add_parser(
        "compare", help="compare two models on the same pictures, with confidence intervals"
    )
    compare.add_argument("models", type=Path, nargs=2, help="two model folders")
    _add_data(compare)
    compare.add_argument(
        "--split",
        type=Path,
        required=True,
        help="a split file; models are compared on its validation part",
    )
    compare.add_argument(
        "--turns",
        type=int,
        choices=TURNS,
        nargs=2,
        default=(1, 1),
        help="flipped and turned views to average, for each model",
    )
    compare.add_argument("--stress", action="store_true", help="also compare on degraded pictures")
    compare.set_defaults(run=_import_and_run("compare", CompareOptions))


@dataclass(frozen=True, slots=True)
class ExportOptions(Options):
    network: Path
    labels: tuple[str, ...]
    scaling: str
    side: int | None
    images: Path | None
    licence: str
    out: Path | None


def _add_export(commands: "Commands") -> None:
    export = commands.add_parser(
        "export", help="make a model folder of your own .keras or .h5 network"
    )
    export.add_argument("network", type=Path)
    export.add_argument(
        "--labels",
        type=_split_words,
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
    export.set_defaults(run=_import_and_run("export", ExportOptions))


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _share(text: str) -> float:
    share = float(text)
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError("more than 0 and less than 1")
    return share


def _phases(text: str) -> tuple[str, ...]:
    phases = _split_words(text)
    if not phases or any(phase not in PHASES for phase in phases):
        raise argparse.ArgumentTypeError(f"choose among {', '.join(PHASES)}")
    return phases
