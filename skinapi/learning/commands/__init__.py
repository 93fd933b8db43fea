"""The options of every command, and what all commands share: how one is started, what it prints.

A new option is a field of the command's dataclass, with its default and its help. No training
framework is imported here: `--help` and the server need none.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from skinapi.base.errors import DiskFull
from skinapi.base.settings import Settings
from skinapi.platform.storage.files import FULL

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[Settings, argparse.Namespace], int]

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
    """How a field is written on the command line: its help, other names, and more for argparse."""

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
LeftOut = Annotated[
    list[Path],
    Argument(
        "files of `train --leave-out` or `evaluate --left-out`: for the card, and so that enough "
        "is sent to a doctor in a clinic that a network never saw",
        metavar="FILE",
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
    leave_out: Annotated[
        list[str],
        Argument(
            "learn nothing from these sources, and measure on all their pictures; --out is then a "
            "JSON file of figures",
            metavar="NAME",
        ),
    ] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=list)
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
    split: Annotated[
        Path | None, Argument("a split file; default: the one in the model folder")
    ] = None
    only_facts: Annotated[
        bool, Argument("only what the patients' facts add; all else stays as it is")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions(CardOptions):
    left_out: LeftOut = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    images: Path
    labels: Annotated[
        Path | None, Argument("CSV with image_id and dx, or with ISIC's one-hot columns")
    ] = None
    out: Annotated[Path | None, Argument("also write the figures to this JSON file")] = None
    split: Annotated[Path | None, Argument("measure only one part of this split file")] = None
    part: Literal["validation", "test"] = "test"
    modality: Annotated[
        Modality | None, Argument("modality of pictures whose table does not name one")
    ] = None
    normal_skin: NormalSkin = None
    cut_normal_skin: CutNormalSkin = False
    not_skin: NotSkin = None
    stress: Annotated[bool, Argument("also measure degraded pictures and painted markings")] = False
    precision: Annotated[
        Literal["f32", "bf16"] | None, Argument("default: the one in the model card")
    ] = None
    left_out: Annotated[
        Path | None,
        Argument(
            "write what `calibrate --left-out` reads, of pictures from which this model has "
            "learned nothing",
            metavar="FILE",
        ),
    ] = None
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


def add_commands(commands: "Commands") -> None:
    _add(commands, "train", TrainOptions, "train", "train a network on your own pictures")
    _add(
        *(commands, "calibrate", CalibrateOptions, "evaluate"),
        "fit temperature, thresholds, prediction sets and detectors of a model again",
    )
    _add(
        *(commands, "evaluate", EvaluateOptions, "evaluate"),
        "measure the served model on labelled pictures",
    )
    _add(
        *(commands, "card", CardOptions, "evaluate"),
        "measure a calibrated model on the test part of its split, and write its card",
    )
    _add(
        *(commands, "compare", CompareOptions, "evaluate"),
        "compare two models on the same pictures, with confidence intervals",
    )
    _add(
        *(commands, "export", ExportOptions, "export"),
        "make a model folder of your own .keras or .h5 network",
    )


def _add(commands: "Commands", action: str, options: type[Any], module: str, text: str) -> None:
    parser = commands.add_parser(action, help=text)
    hints = get_type_hints(options, include_extras=True)
    for item in fields(options):
        hint = hints[item.name]
        kind, argument = get_args(hint) if get_origin(hint) is Annotated else (hint, Argument())
        names = argument.names or (f"--{item.name.replace('_', '-')}",)
        parser.add_argument(*names, **_describe(item, kind, argument))
    parser.set_defaults(run=_import_and_run(action, options, module))


def _describe(one: "Field[Any]", kind: Any, argument: Argument) -> Mapping[str, Any]:
    if kind is bool:
        return {"action": "store_true", "help": argument.text}
    inner = [each for each in get_args(kind) if each is not NoneType]
    plain = kind if get_origin(kind) is Literal else inner[0] if inner else kind
    told: dict[str, Any] = {"type": plain, "help": argument.text}
    if get_origin(plain) is Literal:
        told |= {"type": str, "choices": get_args(plain)}
    if get_origin(kind) is list and "action" not in argument.more:
        told["nargs"] = "+"
    if not argument.names or argument.names[0].startswith("-"):
        if one.default is MISSING and one.default_factory is MISSING:
            told["required"] = True
        else:
            factory = one.default_factory
            told["default"] = one.default if factory is MISSING else factory()
    return {**told, **argument.more}


def _import_and_run(action: str, options: type[Any], module: str) -> Run:
    """Imports the command when it is called: TensorFlow takes seconds to load, or is not there."""

    def run(settings: Settings, namespace: argparse.Namespace) -> int:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        command = getattr(importlib.import_module(f"skinapi.learning.commands.{module}"), action)
        values = {item.name: getattr(namespace, item.name) for item in fields(options)}
        done: int = command(settings, options(**values))
        return done

    return run


def print_line(line: str) -> None:
    """Prints at once: through a pipe, output would otherwise arrive in blocks."""
    # Not `print`, which the linter keeps for the command line's entry points.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def raise_disk_full() -> Iterator[None]:
    """Turns the operating system's error for a full disk, or a full quota, into DiskFull."""
    try:
        yield
    except OSError as failed:
        if failed.errno in FULL:
            raise DiskFull from failed
        raise
