from collections.abc import Iterator

import pytest

from skinapi.lab.datasets.uploads import LARGEST_PART
from tests.served.bodies.test_bodies import answer_to
from tests.served.people import Caller, Seeder
from tests.served.server import serving


@pytest.fixture(scope="module")
def researcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with serving(tmp_path_factory.mktemp("server"), workers=1) as server:
        seeder = Seeder(server)
        yield seeder.person(role="researcher")
        seeder.close()


@pytest.mark.parametrize("in_chunks", [False, True], ids=["announced", "in chunks"])
def test_a_part_of_the_announced_largest_size_is_taken_and_one_byte_more_is_refused(
    researcher: Caller, in_chunks: bool
) -> None:
    begun = researcher.call("POST", "/uploads", json={"name": "a.zip", "size": 3 * LARGEST_PART})
    assert begun.json["largest_part"] == LARGEST_PART
    upload = f"/uploads/{begun.json['id']}"
    for offset, size_of, status in (
        (0, LARGEST_PART - 1, 200),
        (LARGEST_PART - 1, LARGEST_PART, 200),
        (2 * LARGEST_PART - 1, LARGEST_PART + 1, 413),
    ):
        body = bytes(size_of)
        path = f"{upload}/{offset}"
        answer = answer_to(researcher, "PUT", path, body, in_chunks=in_chunks)
        assert answer.status == status, answer.data
    assert researcher.call("DELETE", upload).status == 200
