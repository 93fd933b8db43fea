"""How many photos the gates of serving would refuse or doubt, and why: the whole way from bytes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinapi.errors import Refused
from skinapi.learning.datasets import Sample
from skinapi.learning.progress import Progress, Report
from skinapi.vision.judging import judge_photo
from skinapi.vision.model import Model


def count_outcomes(model: Model, samples: Sequence[Sample], *, report: Report) -> dict[str, Any]:
    """For the card: shares of all these photos."""
    progress = Progress("gates", len(samples), report)
    outcomes: Counter[str] = Counter()
    for sample in samples:
        outcomes[name_outcome(model, sample.path)] += 1
        progress.advance()
    refused = sum(count for name, count in outcomes.items() if name.startswith("refused"))
    doubted = sum(count for name, count in outcomes.items() if name.startswith("uncertain"))
    return {
        "n": len(samples),
        "refused": refused / len(samples),
        "uncertain": doubted / len(samples),
        "outcomes": dict(sorted(outcomes.items())),
    }


def name_outcome(model: Model, path: Path) -> str:
    """`found`, or why not plainly so."""
    try:
        finding = judge_photo(model, path.read_bytes())
    except Refused as refused:
        return f"refused: {refused.reason}"
    return f"uncertain: {' and '.join(finding.reasons)}" if finding.uncertain else "found"
