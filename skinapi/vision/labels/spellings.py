"""Maps the labels of data sets to the outputs of the network.

Training and the server, which checks data sets that are uploaded, both read labels by this.
"""

from collections.abc import Sequence

from skinapi.errors import WrongNetworkLabels
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model_faults import find_label_fault

SQUAMOUS = ("scc", "squamous cell carcinoma", "squamous_cell_carcinoma")

# Squamous cell carcinoma has no output of its own. It grows out of what the output "actinic
# keratosis / Bowen's disease" stands for (Bowen's disease is the same cancer in situ), and few
# pictures show which of them it is. So it is trained as that output, whose urgency is that of the
# cancer. `facts["dx"]` keeps the label as written, so that it can be measured separately.
TRAINED_AS = dict.fromkeys(SQUAMOUS, "actinic_keratosis")


def label_spellings() -> dict[str, str]:
    """Every accepted spelling of a label, in lower case -> the output that it trains."""
    return {**conditions_table().label_spellings(), **TRAINED_AS}


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
