"""Judges pictures by name. Every picture gets a row, whatever the file contains."""

import hashlib
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from skinapi.app.batch.pictures import (
    FORMATS,
    PictureFile,
    PictureReader,
    UnreadableFile,
    name_of,
    told_in,
)
from skinapi.base.errors import PayloadTooLarge, Refused, SkinAPIError, Unavailable
from skinapi.base.logs import log
from skinapi.model.bands import OperatingPoint
from skinapi.model.classification import classify_photo
from skinapi.model.context import TOLD, Context
from skinapi.model.finding import Finding
from skinapi.model.headline import RestatedProbabilities
from skinapi.model.network.engine import Precision
from skinapi.model.network.model import CHECKSUMS, Model, open_model
from skinapi.model.network.model_checks import naming_folder, read_bounded
from skinapi.model.told_facts import base_of

JUDGED, REFUSED, UNREADABLE, FAILED = "judged", "refused", "unreadable", "failed"
Row = dict[str, Any]
_WORDS = pa.dictionary(pa.int16(), pa.string())  # few values, many times
_PLACES = ("first", "second", "third")
_TOLD = {
    name: base_of(Context.model_fields[name].annotation)
    for name, fact in TOLD.items()
    if fact.column
}
_TYPES = {int: pa.int16(), bool: pa.bool_(), tuple: pa.list_(pa.string())}


def columns(labels: Sequence[str], *, restated: bool = False) -> pa.Schema:
    """Results are null unless the picture was judged; those for the picture alone are null unless
    entered facts changed the probabilities.
    """
    shares = ["malignant_score", *map(probability_column, labels)] if restated else []
    return pa.schema(
        [
            ("path", pa.string()),
            ("path_bytes", pa.binary()),  # only where the path is no UTF-8
            ("bytes", pa.int64()),
            ("sha256", pa.string()),
            ("status", _WORDS),
            ("reason", _WORDS),
            *((name, _TYPES.get(base, _WORDS)) for name, base in _TOLD.items()),
            ("band", _WORDS),
            ("raised_by", pa.list_(pa.string())),
            ("condition", _WORDS),
            *((name, _WORDS) for name in _PLACES),
            *((f"{name}_probability", pa.float64()) for name in _PLACES),
            ("malignant_score", pa.float64()),
            ("uncertain", pa.bool_()),
            ("doubts", pa.list_(pa.string())),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("brightness", pa.float64()),
            ("highlights", pa.float64()),
            ("sharpness", pa.float64()),
            ("modality_recognised", _WORDS),
            ("modality_used", pa.list_(pa.string())),
            ("dermoscopic_probability", pa.float64()),
            ("model_version", _WORDS),
            ("operating_point", _WORDS),
            *((probability_column(label), pa.float64()) for label in labels),
            *((picture_column(label), pa.float64()) for label in labels),
            *((restated_column(name), pa.float64()) for name in shares),
        ]
    )


def probability_column(label: str) -> str:
    return f"p_{label}"


def picture_column(label: str) -> str:
    return f"picture_{probability_column(label)}"


def restated_column(name: str) -> str:
    return f"restated_{name}"


def path_columns(name: bytes) -> Row:
    try:
        return {"path": name.decode()}
    except UnicodeDecodeError:
        return {"path": name.decode(errors="backslashreplace"), "path_bytes": name}


def told_columns(told: Context) -> Row:
    return {name: getattr(told, name) for name in _TOLD}


def finding_columns(finding: Finding) -> Row:
    quality, modality = finding.quality, finding.modality
    best = dict(zip(_PLACES, finding.ranked, strict=False))
    return {
        "band": finding.band.value,
        "raised_by": [rule.value for rule in finding.raised_by],
        "condition": finding.stated,
        **{place: ranked.key for place, ranked in best.items()},
        **{f"{place}_probability": ranked.probability for place, ranked in best.items()},
        "malignant_score": finding.malignant_score,
        "uncertain": finding.uncertain,
        "doubts": [doubt.value for doubt in finding.reasons],
        "width": quality.width,
        "height": quality.height,
        "brightness": quality.brightness,
        "highlights": quality.highlights,
        "sharpness": quality.sharpness,
        "modality_recognised": modality.recognised.value if modality else None,
        "modality_used": [used.value for used in modality.used] if modality else None,
        "dermoscopic_probability": modality.dermoscopic_probability if modality else None,
        "model_version": finding.model_version,
        "operating_point": finding.operating_point and finding.operating_point.value,
        **{probability_column(ranked.key): ranked.probability for ranked in finding.ranked},
        **{picture_column(item.key): item.probability for item in finding.from_picture or ()},
        **(_restated_columns(finding.restated) if finding.restated else {}),
    }


def _restated_columns(restated: RestatedProbabilities) -> Row:
    shares = {probability_column(entry.key): entry.probability for entry in restated.ranked}
    scored = {"malignant_score": restated.malignant_score, **shares}
    return {restated_column(name): share for name, share in scored.items()}


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOST_TRIES = 3
MOST_CHECKSUMS = 64 * 1024


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Everything that must be equal for each process of a run. `inside`: see PictureReader."""

    model: Path
    point: OperatingPoint
    precision: Precision
    root: bytes
    largest_bytes: int
    inside: bool
    prevalence: float | None = None

    def open_reader(self) -> PictureReader:
        return PictureReader(self.root, largest_bytes=self.largest_bytes, inside=self.inside)


class Judge:
    def __init__(self, model: Model, reader: PictureReader) -> None:
        self._model = model
        self._reader = reader

    def judge_all(self, names: Sequence[bytes]) -> list[Row]:
        # A decoder process belongs to our process group, so Ctrl-C would end it and its picture
        # would seem damaged. It inherits the signal mask of this thread.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        return [self.judge(name) for name in names]

    def judge(self, entry: bytes) -> Row:
        name, told = name_of(entry), told_in(entry)
        row = path_columns(name) | told_columns(told)
        try:
            file = self._reader.read(name)
        except UnreadableFile as unreadable:
            return row | {"status": UNREADABLE, "reason": unreadable.reason}
        return row | {"bytes": file.size, "sha256": file.sha256} | self._judge_file(file, told)

    def _judge_file(self, file: PictureFile, told: Context) -> Row:
        if file.content is None:
            return {"status": REFUSED, "reason": PayloadTooLarge.code}
        try:
            content, context = self._open(file.content, told)
            finding = _classify(self._model, content, context)
        except Refused as refused:
            return {"status": REFUSED, "reason": refused.reason}
        except PayloadTooLarge as error:
            return {"status": REFUSED, "reason": error.code}
        except SkinAPIError as error:
            return {"status": FAILED, "reason": error.code}
        except Exception as error:  # noqa: BLE001 (one picture must not end a run of days)
            log.exception("picture_failed", sha256=file.sha256, error=type(error).__name__)
            return {"status": FAILED, "reason": SkinAPIError.code}
        return {"status": JUDGED} | told_columns(context) | finding_columns(finding)

    def _open(self, content: bytes, told: Context) -> tuple[bytes, Context]:
        """Facts in another system's file apply unless a table provides them."""
        largest = self._reader.largest_bytes
        opened = next(filter(None, (known.open(content, largest) for known in FORMATS)), None)
        if opened is None:
            return content, told
        photo, context = opened
        told_by_table = {name: getattr(told, name) for name in told.model_fields_set}
        if told.age_band:  # with the table's age, if it tells one
            told_by_table["age"] = told.age
        return photo, context.model_copy(update=told_by_table)


def _classify(model: Model, content: bytes, context: Context) -> Finding:
    for _ in range(MOST_TRIES - 1):
        with suppress(Unavailable):
            return classify_photo(model, content, context)
    return classify_photo(model, content, context)


def open_judge(options: JudgeOptions, *, threads: int) -> Judge:
    model = open_model(options.model, precision=options.precision, streams=threads)
    model.warm()  # the first pass is slow, and it finds a model that loads but does not work
    calibration = model.calibration.at(options.point).where(options.prevalence)
    return Judge(model.with_calibration(calibration), options.open_reader())


def sum_model(folder: Path) -> str:
    with naming_folder(folder):
        return hashlib.sha256(read_bounded(folder, CHECKSUMS, MOST_CHECKSUMS)).hexdigest()
