"""The options of `train`, `calibrate`, `evaluate`, `compare` and `export`; what they do is imported
only when one of them is called.
"""

import argparse
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from skinapi.settings import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[Settings, argparse.Namespace], int]

ARCHITECTURES = ("ResNet50", "DenseNet169", "MobileNetV2", "EfficientNetB3")
TURNS = (1, 2, 8)
PHASES = ("head", "last-blocks", "deeper-blocks", "coarse", "taught", "whole", "all-sources")

MODALITIES = ("dermoscopic", "clinical", "unknown")

DATA = (
    "any number of sources, each a csv beside pictures or a folder per class: "
    "FOLDER[,modality=dermoscopic|clinical|unknown][,licence=TEXT][,share=0..1][,labels=FILE]"
)
NORMAL_SKIN = "a folder of pictures of healthy skin, FOLDER[,modality=...]"
CUT_NORMAL_SKIN = "cut normal skin out of the pictures too, away from the lesion, by patient"
NOT_SKIN = "a folder of pictures of anything else: half is learned from, the later half measured"


def add_commands(commands: "Commands") -> None:
    _add_train(commands)
    _add_calibrate(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    _add_export(commands)


def _import_and_run(action: str) -> Run:
    """TensorFlow takes seconds to load and need not be installed to serve."""

    def run(settings: Settings, options: argparse.Namespace) -> int:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        module = importlib.import_module(f"skinapi.learning.commands.{action}")
        done: int = module.run(settings, options)
        return done

    return run


def _add_train(commands: "Commands") -> None:
    train = commands.add_parser("train", help="train a network on your own pictures")
    _add_data(train)
    _add_normal_skin(train)
    train.add_argument(
        "--split",
        type=Path,
        help="a split file: what it names stays there, the rest is dealt out 70/10/20 by patient",
    )
    train.add_argument("--architecture", choices=ARCHITECTURES, default="ResNet50")
    train.add_argument(
        "--init",
        default="shipped",
        help="shipped, imagenet, none, a model folder or a file of weights",
    )
    train.add_argument("--weights", type=Path, help="the folder that holds your ImageNet weights")
    train.add_argument(
        "--phases",
        type=_phases,
        help=f"{', '.join(PHASES)}; without it what suits the number of sources",
    )
    train.add_argument(
        "--teachers",
        type=Path,
        nargs="+",
        default=[],
        help="model folders whose answers to its views are learned beside the labels",
    )
    train.add_argument(
        "--keep", type=_share, help="of the weights it starts from, this share stays in the mean"
    )
    train.add_argument("--epochs", type=int, help="at most so many in each phase")
    train.add_argument(
        "--views", type=int, help="augmented views computed beforehand, where a phase does so"
    )
    train.add_argument(
        "--side", type=int, default=224, help="pixels of the square that the network reads"
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    train.add_argument("--licence", default="that of the pictures it was trained on")
    train.add_argument("--note", action="append", default=[], help="a line for the card")
    train.add_argument("--work", type=Path, help="checkpoints; the same folder again resumes")
    train.add_argument("--out", type=Path, help="where the model folder is written")
    train.set_defaults(run=_import_and_run("train"))


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=DATA)
    parser.add_argument("--skip-unknown-labels", action="store_true")


def _add_normal_skin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--normal-skin", metavar="SOURCE", help=NORMAL_SKIN)
    parser.add_argument("--cut-normal-skin", action="store_true", help=CUT_NORMAL_SKIN)


def _add_calibrate(commands: "Commands") -> None:
    calibrate = commands.add_parser(
        "calibrate", help="fit a model's temperature, bands, prediction sets and detectors anew"
    )
    calibrate.add_argument("model", type=Path, help="the model folder; its calibration is replaced")
    _add_data(calibrate)
    _add_normal_skin(calibrate)
    calibrate.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    calibrate.add_argument("--split", type=Path, help="instead of the split in the model's folder")
    calibrate.set_defaults(run=_import_and_run("calibrate"))


def _add_evaluate(commands: "Commands") -> None:
    evaluate = commands.add_parser("evaluate", help="measure the served model on labelled pictures")
    evaluate.add_argument("--images", type=Path, required=True)
    evaluate.add_argument("--labels", type=Path, help="image_id and dx, or ISIC's one-hot columns")
    evaluate.add_argument("--out", type=Path, help="write the figures as JSON")
    evaluate.add_argument("--split", type=Path, help="measure one part of this split only")
    evaluate.add_argument("--part", choices=("validation", "test"), default="test")
    evaluate.add_argument(
        "--modality", choices=MODALITIES, help="how the pictures were taken whose table is silent"
    )
    _add_normal_skin(evaluate)
    evaluate.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    evaluate.add_argument("--turns", type=int, choices=TURNS, default=1, help="views averaged")
    evaluate.add_argument(
        "--stress", action="store_true", help="the same on worse pictures; what heat maps are worth"
    )
    evaluate.add_argument("--precision", choices=("f32", "bf16"), help="instead of the card's")
    evaluate.set_defaults(run=_import_and_run("evaluate"))


def _add_compare(commands: "Commands") -> None:
    compare = commands.add_parser("compare", help="is one model better than another, or is it luck")
    compare.add_argument("models", type=Path, nargs=2, help="two model folders")
    _add_data(compare)
    compare.add_argument(
        "--split", type=Path, required=True, help="its validation part is what is compared on"
    )
    compare.add_argument(
        "--turns", type=int, choices=TURNS, nargs=2, default=(1, 1), help="views averaged by each"
    )
    compare.add_argument("--stress", action="store_true", help="before worse pictures as well")
    compare.set_defaults(run=_import_and_run("compare"))


def _add_export(commands: "Commands") -> None:
    export = commands.add_parser("export", help="make a .keras or .h5 network of your own servable")
    export.add_argument("network", type=Path)
    export.add_argument(
        "--labels",
        type=_split_words,
        required=True,
        help="the outputs in order, such as mel,nv,bcc",
    )
    export.add_argument(
        "--scaling",
        choices=("caffe", "torch", "tf", "raw"),
        required=True,
        help="what it expects of its pixels, in the words of keras.applications; raw is 0..255",
    )
    export.add_argument("--side", type=int, help="where the network leaves its size open")
    export.add_argument("--images", type=Path, help="pictures to compare Keras and serving on")
    export.add_argument("--licence", default="unknown")
    export.add_argument("--out", type=Path, help="where the model folder is written")
    export.set_defaults(run=_import_and_run("export"))


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
