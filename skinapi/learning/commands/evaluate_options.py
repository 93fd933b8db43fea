"""The options of the commands that measure models: `evaluate`, `card` and `compare`.

A new option needs two lines here: the argument, and the field that carries it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skinapi.learning.commands.options import (
    NOT_SKIN,
    add_data,
    add_normal_skin,
    import_and_run,
)

if TYPE_CHECKING:
    from skinapi.learning.commands.options import Commands

# Spelled out again, so that `--help` loads no training framework; a test compares them.
TURNS = (1, 2, 8)
MODALITIES = ("dermoscopic", "clinical", "unknown")


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
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
    left_out: Path | None = None


def add_evaluate(commands: "Commands") -> None:
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
    add_normal_skin(evaluate)
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
    evaluate.add_argument(
        "--left-out",
        type=Path,
        metavar="FILE",
        help="write what `calibrate --left-out` reads, of pictures from which this model has "
        "learned nothing",
    )
    evaluate.set_defaults(run=import_and_run("evaluate", EvaluateOptions))


@dataclass(frozen=True, slots=True)
class CardOptions:
    model: Path
    data: list[str]
    skip_unknown_labels: bool
    normal_skin: str | None
    cut_normal_skin: bool
    not_skin: Path | None
    split: Path | None


def add_card(commands: "Commands") -> None:
    card = commands.add_parser(
        "card",
        help="measure a calibrated model on the test part of its split, and write its card",
    )
    card.add_argument("model", type=Path, help="the model folder; the figures in it are replaced")
    add_data(card)
    add_normal_skin(card)
    card.add_argument("--not-skin", type=Path, help=NOT_SKIN)
    card.add_argument(
        "--split", type=Path, help="a split file; default: the one in the model folder"
    )
    card.set_defaults(run=import_and_run("card", CardOptions))


@dataclass(frozen=True, slots=True)
class CompareOptions:
    models: list[Path]
    data: list[str]
    skip_unknown_labels: bool
    split: Path
    turns: Sequence[int]
    stress: bool


def add_compare(commands: "Commands") -> None:
    compare = commands.add_parser(
        "compare", help="compare two models on the same pictures, with confidence intervals"
    )
    compare.add_argument("models", type=Path, nargs=2, help="two model folders")
    add_data(compare)
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
    compare.set_defaults(run=import_and_run("compare", CompareOptions))
