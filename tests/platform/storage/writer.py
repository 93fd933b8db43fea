"""Writes until it is killed, and prints what was acknowledged: python -m
tests.platform.storage.writer {documents|blobs} {a MongoDB URI | a folder} {its name}
"""

import os
import random
import sys
from itertools import count
from pathlib import Path

from skinapi.platform.storage.ports import Store
from skinapi.platform.stores.mongo_store import MongoStore
from tests.platform.storage.conftest import sqlite_store

LARGEST_BLOB = 2**20


def say(acknowledged: str) -> None:
    os.write(1, f"{acknowledged}\n".encode())


def write_documents(store: Store, name: str) -> None:
    documents = store.collection("things")
    for number in count(1):
        documents.insert({"id": f"{name}-{number}", "text": "x" * random.randrange(500)})
        say(f"insert {number}")
        documents.update({"id": name}, {"$set": {"n": number}}, upsert=True)
        say(f"update {number}")


def write_blobs(store: Store) -> None:
    while True:
        say(f"put {store.blobs.put(os.urandom(random.randrange(LARGEST_BLOB)))}")


def main(what: str, where: str, name: str) -> None:
    mongo = where.startswith("mongodb")
    store: Store = MongoStore.at(where) if mongo else sqlite_store(Path(where))
    if what == "blobs":
        write_blobs(store)
    write_documents(store, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
