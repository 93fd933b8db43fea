"""Maps the labels of data sets to the outputs of the network.

Training and the server, which checks data sets that are uploaded, both read labels by this.
"""

from collections.abc import Sequence

from skinapi.errors import WrongNetworkLabels
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model_faults import find_label_fault

SQUAMOUS = "squamous_cell_carcinoma"
# MILK10k and others count keratoacanthoma as the carcinoma that it resembles.
ALSO_SQUAMOUS = ("keratoacanthoma", "squamous cell carcinoma / keratoacanthoma", "sccka")


def label_spellings() -> dict[str, str]:
    """Every accepted spelling of a label, in lower case -> the condition."""
    return {**conditions_table().label_spellings(), **dict.fromkeys(ALSO_SQUAMOUS, SQUAMOUS)}


def other_diseases() -> dict[str, str]:
    """Every accepted spelling of a disease that no model names, in lower case -> its key, as a
    doctor may name it in a review: `inflammatory`, `other_benign`, `other_malignant`.
    """
    return {
        word.lower(): label.key
        for label in conditions_table().review_only
        if label.counted_as is None
        for word in (label.key, label.key.replace("_", " "), label.names.en, label.names.fr)
    }


def name_outputs(words: Sequence[str]) -> tuple[str, ...]:
    """A network's outputs in order, as keys of our conditions table.

    Raises WrongNetworkLabels for others: each output needs a name, an urgency, and to be known as
    malignant or benign.
    """
    spellings = conditions_table().label_spellings()
    labels = tuple(spellings.get(word.lower(), word) for word in words)
    if fault := find_label_fault(labels, written_as=words):
        raise WrongNetworkLabels(fault)
    return labels
