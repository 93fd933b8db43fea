"""The windows of the rate limits in MongoDB, of one server and of many."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from limits import parse

from skinapi.platform.web.mongo_limit_windows import MongoWindows

ONE, FEW, MANY = parse("1/minute"), parse("2/minute"), parse("100/minute")


def test_of_hits_at_once_just_as_many_are_allowed_as_the_limit_says(
    mongo_database_uri: str,
) -> None:
    """Each thread with a connection of its own, as each server process has."""

    def hit(_: int) -> int:
        with closing(MongoWindows(mongo_database_uri)) as mine:
            return sum(mine.hit(MANY, "key").allowed for _ in range(20))

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(hit, range(8))) == 100
