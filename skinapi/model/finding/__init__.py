"""From a network's outputs to the finding: condition, band, doubts, notices."""
