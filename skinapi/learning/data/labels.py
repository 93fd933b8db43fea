"""What the words of a data set teach the network."""

from skinapi.vision.conditions import conditions_table

# Squamous cell carcinoma is no output of its own. It grows out of what the bundle "actinic
# keratosis / Bowen's disease" names (Bowen's disease is the same cancer in situ), and most
# pictures of the bundle cannot be told from it: it teaches that bundle, whose urgency is the graver
# one's. `facts["dx"]` keeps the word as written, so that it can be measured on its own.
TAUGHT_AS = {
    "scc": "actinic_keratosis",
    "squamous cell carcinoma": "actinic_keratosis",
    "squamous_cell_carcinoma": "actinic_keratosis",
}


def label_spellings() -> dict[str, str]:
    """Every accepted word for a label, in lower case, to the key that it teaches."""
    return {**conditions_table().label_spellings(), **TAUGHT_AS}
