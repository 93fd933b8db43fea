from collections.abc import Mapping

from skinapi.accounts.auth.account import Subject
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.integrations.keys.routes import KeyView


def describe_keys(of: Subject, keys: ApiKeys) -> Mapping[str, object]:
    return {"keys": [KeyView.model_validate(key) for key in keys.list_of(of.id)]}
