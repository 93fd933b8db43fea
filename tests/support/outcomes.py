from skinapi.base.errors import Refused
from skinapi.model.classification import classify_photo
from skinapi.model.network.model import Model

FOUND = "found"


def name_outcome(model: Model, content: bytes) -> str:
    try:
        reasons = classify_photo(model, content).reasons
    except Refused as refused:
        return f"refused: {refused.reason}"
    return f"uncertain: {' and '.join(reasons)}" if reasons else FOUND
