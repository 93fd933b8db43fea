"""What every test may ask for."""

import os
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import pymongo
import pytest

from tests.mongod import NoMongodError, a_mongod

OURS = f"test_{secrets.token_hex(4)}_"


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """A real MongoDB: the one MONGO_URI names, else one started here; without either, a skip."""
    given = os.environ.get("MONGO_URI")
    if given:
        yield given
        drop_databases(given)
        return
    try:
        with a_mongod() as server:
            yield server.uri
    except NoMongodError as error:
        pytest.skip(f"no mongod: {error}")


@pytest.fixture
def mongo_database_uri(mongo_uri: str) -> str:
    """The URI of a database of the test's own."""
    return urlsplit(mongo_uri)._replace(path=f"/{OURS}{secrets.token_hex(8)}").geturl()


def drop_databases(uri: str) -> None:
    with pymongo.MongoClient(uri) as client:
        for name in client.list_database_names():
            if name.startswith(OURS):
                client.drop_database(name)
