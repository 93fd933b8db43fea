"""What comparisons of the photos of a spot have found, and no doctor has settled."""

from dataclasses import dataclass

from skinapi.findings.status.lesion_status import (
    JudgedPhoto,
    LesionStatus,
    MeasuredChange,
    find_answer,
    list_ends,
)


@dataclass(frozen=True, slots=True)
class FoundChange:
    """What a comparison has found of the photo `after`. `before` is None where the earlier photo is
    in another spot by now.
    """

    measured: MeasuredChange
    after: JudgedPhoto
    before: JudgedPhoto | None


def list_changes(status: LesionStatus, finding: str) -> list[FoundChange]:
    """List what no doctor has settled; of this finding also what no review of it has answered. The
    newest photo comes first.
    """
    each, listed = [*status.findings.values()], list[FoundChange]()
    for index, about in enumerate(each):
        ends = list_ends(about, each[index + 1 :])
        own = about.unseen_changes if about.photo.id == finding else []
        for change in about.photo.changes:
            if change in own or find_answer(change, ends) is None:
                before = status.findings.get(change.before)
                earlier = before.photo if before else None
                listed.append(FoundChange(change, about.photo, earlier))
    return listed[::-1]
