"""The table of findings: its columns, and the row of each picture."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from skinapi.model.finding.finding import Finding
from skinapi.model.finding.ranking import Restated

JUDGED, REFUSED, UNREADABLE, FAILED = "judged", "refused", "unreadable", "failed"
Row = dict[str, Any]
_WORDS = pa.dictionary(pa.int16(), pa.string())  # few values, many times
_PLACES = ("first", "second", "third")


def columns(labels: Sequence[str], *, restated: bool = False) -> pa.Schema:
    """The columns for a model with these labels. Those behind `reason` are null unless judged.
    `restated`: those of PREVALENCE too.
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
            *((restated_column(name), pa.float64()) for name in shares),
        ]
    )


def probability_column(label: str) -> str:
    return f"p_{label}"


def restated_column(name: str) -> str:
    """The column with the same for the prevalence that is set."""
    return f"restated_{name}"


def path_columns(name: bytes) -> Row:
    """The path as text; `path_bytes` too where some of its bytes are no text."""
    try:
        return {"path": name.decode()}
    except UnicodeDecodeError:
        return {"path": name.decode(errors="backslashreplace"), "path_bytes": name}


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
        **(_restated_columns(finding.restated) if finding.restated else {}),
    }


def _restated_columns(restated: Restated) -> Row:
    shares = {probability_column(entry.key): entry.probability for entry in restated.ranked}
    scored = {"malignant_score": restated.malignant_score, **shares}
    return {restated_column(name): share for name, share in scored.items()}
