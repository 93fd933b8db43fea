"""Reads the label tables of data sets, with one picture and its label in each row.

The columns are those of HAM10000, or image_id, image_path and label, or ISIC's one-hot columns.
Training and the check of uploaded data sets both use this module.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePosixPath

from skinapi.base.errors import BadDataset, WrongNetworkLabels
from skinapi.model.conditions import conditions_table
from skinapi.model.network.model_checks import find_label_fault

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
# The table to read if there are several.
TABLE_NAME = "metadata.csv"
ID_COLUMNS = ("image_id", "image", "image_path")
LABEL_COLUMNS = ("dx", "label")
# The items of the 7-point checklist, as columns with yes or no.
SIGNS = (
    *("change_in_size", "irregular_shape", "irregular_colour", "diameter_7mm_or_more"),
    *("inflammation", "oozing", "change_in_sensation"),
)
FACTS = ("age", "sex", "localization", "dx_type", "fitzpatrick", "skin_tone", *SIGNS)
# PAD-UFES-20 asks these of the patients, and gives two diameters in millimetres.
ANSWERS = {
    "change_in_size": ("grew",),
    "change_in_sensation": ("itch", "hurt"),
    "oozing": ("bleed",),
}
DIAMETERS = ("diameter_1", "diameter_2")
# Alternative column names in MILK10k.
ALSO_NAMED = {"localization": "site"}
ISIC_COLUMNS = {
    "MEL": "mel",
    "NV": "nv",
    "BCC": "bcc",
    "AKIEC": "akiec",
    "AK": "akiec",
    "SCC": "scc",
    "BKL": "bkl",
    "DF": "df",
    "VASC": "vasc",
}
NO_LABEL = "none"
# All columns that are used; a table may have others.
KNOWN_COLUMNS = frozenset(
    (
        *(*ID_COLUMNS, *LABEL_COLUMNS, "lesion_id", "patient_id", "modality"),
        *(*FACTS, *ALSO_NAMED.values(), *ISIC_COLUMNS, *chain(*ANSWERS.values()), *DIAMETERS),
    )
)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """`named` is the picture's path, or its name without a suffix. `lesion_id` is the picture's own
    id if the row names no lesion.
    """

    image_id: str
    named: PurePosixPath
    label: str
    lesion_id: str
    patient_id: str = ""
    modality: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class LabelColumns:
    def __init__(self, columns: Collection[str], *, table: str) -> None:
        identifier = next((name for name in ID_COLUMNS if name in columns), None)
        self._label = next((name for name in LABEL_COLUMNS if name in columns), None)
        if identifier is None or (self._label is None and not set(ISIC_COLUMNS) & set(columns)):
            raise BadDataset(
                f"{table} needs the columns image_id and dx, or image_id, image_path and label"
            )
        self._identifier = identifier
        self.name_lesions = "lesion_id" in columns

    def read(self, row: Mapping[str, str]) -> LabelRow:
        written = row[self._identifier].strip()
        image_id = _without_suffix(PurePosixPath(written).name)
        return LabelRow(
            image_id=image_id,
            named=PurePosixPath((row.get("image_path") or written).strip()),
            label=row[self._label].strip() if self._label else _one_hot_label(row),
            lesion_id=(row.get("lesion_id") or "").strip() or image_id,
            patient_id=(row.get("patient_id") or "").strip(),
            modality=(row.get("modality") or "").strip().lower(),
            facts=_read_signs(row)
            | {
                name: value
                for name in FACTS
                if name not in SIGNS
                and (value := row.get(name) or row.get(ALSO_NAMED.get(name, name)))
            },
        )


def _read_signs(row: Mapping[str, str]) -> dict[str, str]:
    def words(*names: str) -> set[str]:
        return {(row.get(name) or "").strip().lower() for name in names}

    answers = {item: words(*names) & {"true", "false"} for item, names in ANSWERS.items()}
    signs = {item: "yes" if "true" in each else "no" for item, each in answers.items() if each}
    if sizes := [float(size) for size in words(*DIAMETERS) if _is_number(size)]:
        signs["diameter_7mm_or_more"] = "yes" if max(sizes) >= 7 else "no"
    return signs | {item: word for item in SIGNS for word in words(item) & {"yes", "no"}}


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit()


def _without_suffix(name: str) -> str:
    """The name without the suffixes of a picture: `a.1` names another picture than `a.2`, and what
    was cut once is not cut further when it is read again.

    >>> [_without_suffix(name) for name in ("a.1.jpg", "a.1", "a.JPG.png", ".jpg")]
    ['a.1', 'a.1', 'a', '.jpg']
    """
    path = PurePosixPath(name)
    while path.suffix.lower() in PICTURE_SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _one_hot_label(row: Mapping[str, str]) -> str:
    marked = [name for name in ISIC_COLUMNS if (row.get(name) or "").strip() in ("1", "1.0")]
    return ISIC_COLUMNS[marked[0]] if len(marked) == 1 else NO_LABEL


SQUAMOUS = "squamous_cell_carcinoma"
# MILK10k and others count keratoacanthoma as the carcinoma that it resembles.
ALSO_SQUAMOUS = ("keratoacanthoma", "squamous cell carcinoma / keratoacanthoma", "sccka")


def label_spellings() -> dict[str, str]:
    return {**conditions_table().label_spellings(), **dict.fromkeys(ALSO_SQUAMOUS, SQUAMOUS)}


def other_diseases() -> dict[str, str]:
    return {
        word.lower(): label.key
        for label in conditions_table().review_only
        if label.counted_as is None
        for word in (label.key, label.key.replace("_", " "), *label.names.model_dump().values())
    }


def name_outputs(words: Sequence[str]) -> tuple[str, ...]:
    """The keys of our conditions for a network's outputs, in order. Raises WrongNetworkLabels
    unless each output has a name, an urgency, and is known as malignant or benign.
    """
    spellings = conditions_table().label_spellings()
    labels = tuple(spellings.get(word.lower(), word) for word in words)
    if fault := find_label_fault(labels, written_as=words):
        raise WrongNetworkLabels(fault)
    return labels
