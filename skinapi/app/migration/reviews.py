"""2.0.0 derived the urgency of a review and which of several counts. Now the newest one counts and
states everything that 2.0.0 displayed.
"""

from collections.abc import Sequence

from skinapi.findings.status.spot import names_cancer
from skinapi.model.bands import most_urgent, urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Store

SAMPLES = {"awaited": "waiting", "not_taken": "none"}
RETIRED = dict.fromkeys(("downgrade_confirmed", "lowered_from", "lowered_to"), True)


def restate_review(store: Store, review: Document) -> None:
    """Call it in order of signing, because a review may continue the previous one."""
    if "photo_wanted" in review["opinion"]:
        return
    reviews = store.collection("reviews")
    signed = reviews.find({FINDING: review[FINDING]}, sort="id")
    before = [item for item in signed if item["id"] < review["id"]]
    band = _find_band(store.collection(FINDINGS).get(review[FINDING]), review.get("version", 1))
    opinion = _restate(review, band, before)
    reviews.update({"id": review["id"]}, {"$set": {"opinion": opinion}, "$unset": RETIRED})


def _find_band(finding: Document | None, version: int) -> Band:
    if finding is None:
        return Band.URGENT_REFERRAL
    judged = [*finding.get("earlier", ()), {"version": finding.get("version", 1), **finding}]
    return next(Band(item["band"]) for item in judged if item["version"] == version)


def _restate(review: Document, band: Band, before: Sequence[Document]) -> Document:
    said = review["opinion"]
    result, sure = said["histology_result"], said["certainty"] == "sure"
    label, certainty = result or said["label"], "sure" if sure else "suspected"
    sample = SAMPLES.get(said["histology"])
    asked = [_derive_urgency(said, label, band)]
    if result:
        certainty = "laboratory"
        if names_cancer(label) and not any(map(_proves_cancer, before)):
            asked.append(conditions_table().label(label).urgency)
    elif before:
        current = before[-1]["opinion"]
        same = label == current["label"] and current["certainty"] == "laboratory"
        if sample != "waiting" and (same or label is None):
            label, certainty = current["label"], current["certainty"]
        by_another = review["doctor"] != before[-1]["doctor"]
        if current["sample"] == "waiting" and (by_another or sample is None):
            sample = "waiting"
        says_less = said["urgency"] is None and not (sure and said["label"])
        asked += [Band(current["urgency"])] if says_less else []
        asked += _asked_by_others(before, review["doctor"])
    return {
        "urgency": most_urgent(*asked),
        "label": label,
        "certainty": certainty if label else None,
        "sample": sample,
        "photo_wanted": said["new_picture_wanted"],
    }


def _derive_urgency(said: Document, label: str | None, band: Band) -> Band:
    if said.get("urgency_waits"):
        return max(band, Band.ROUTINE, key=urgency)
    if said["urgency"] or label is None:
        return Band(said["urgency"] or band)
    own = conditions_table().label(label).urgency
    agrees = said["agrees_with_label"] and names_cancer(label)
    settles = said["certainty"] == "sure" and said["histology"] != "awaited" and not agrees
    return own if settles else most_urgent(own, band)


def _asked_by_others(before: Sequence[Document], doctor: str) -> list[Band]:
    """Return the urgencies since the last laboratory result that `doctor` could not lower."""
    results = [
        place for place, item in enumerate(before) if item["opinion"]["certainty"] == "laboratory"
    ]
    since = before[results[-1] if results else 0 :]
    return [Band(item["opinion"]["urgency"]) for item in since if item["doctor"] != doctor]


def _proves_cancer(review: Document) -> bool:
    opinion = review["opinion"]
    return opinion["certainty"] == "laboratory" and names_cancer(opinion["label"])
