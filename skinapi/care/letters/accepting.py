"""Which marks a doctor may sign in spite of, and how a request names them."""

import hashlib
from collections.abc import Collection, Sequence

from skinapi.care.letters.marks import Contradicts, Mark
from skinapi.records.errors import LetterMarked, LetterUrgency

# When to see a doctor is what a patient acts on, so no letter says another time than the decision.
# Vaguer words that put a visit off are marked too, also where nobody does ("bring nothing to the
# visit"), so a doctor may accept those.
OF_URGENCY = frozenset({Contradicts.URGENCY, Contradicts.UNSAID})
MARK_ID = 16


def id_of(mark: Mark) -> str:
    """Another one as soon as the sentence or what the facts say of it is another one."""
    said = "\n".join((mark.contradicts, mark.sentence, mark.said, mark.facts))
    return hashlib.sha256(said.encode()).hexdigest()[:MARK_ID]


def require_accepted(marks: Sequence[Mark], accepted: Collection[str]) -> tuple[str, ...]:
    """What the accepted marks contradict. Raises LetterUrgency, and LetterMarked where one of the
    marks is not among those accepted.
    """
    if any(mark.contradicts in OF_URGENCY for mark in marks):
        raise LetterUrgency
    if any(id_of(mark) not in accepted for mark in marks):
        raise LetterMarked
    return tuple(sorted({mark.contradicts for mark in marks}))
