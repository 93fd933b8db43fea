from skinapi.platform.web.openapi import PUBLISHED_NAMES
from tests.support.backends import Backend


def test_a_class_with_a_better_name_keeps_the_name_of_its_schema(backend: Backend) -> None:
    schemas = backend.anyone.get("/openapi.json").get_json()["components"]["schemas"]
    assert schemas.keys() >= {*PUBLISHED_NAMES.values()}
    assert not schemas.keys() & {*PUBLISHED_NAMES}
