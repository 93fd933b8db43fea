"""What a doctor sends to sign a review."""

from collections.abc import Mapping
from typing import Any

from skinapi.model.conditions import Band, conditions_table


def review_of(said: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The body of a review: of a label the doctor is sure, and asks for its own urgency; without
    one, for the mildest. What it makes milder is confirmed.
    """
    body = {"confirm_milder": True, **(said or {}), **more}
    label = body.get("label")
    if label is None:
        return {"urgency": Band.SELF_MONITORING, **body, "certainty": None}
    if "urgency" not in body:
        body["urgency"] = conditions_table().label(label).urgency
    return {"certainty": "sure", **body}
