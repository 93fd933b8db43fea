import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from skinapi.base.errors import StoreRefused, StoreUnavailable
from skinapi.platform.stores.outage import TIMEOUTS

PORT = 27017
PROBE_S = 2.0
UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18
NO_NAME = "no machine of this name is known here: check the host in MONGO_URI, and the DNS"
NOBODY_LISTENS = "it refuses connections: MongoDB does not run there, or on another port"
SILENT = "it does not answer: the machine is off, or a firewall is between"
NO_PRIMARY = "its replica set has no primary now: most of its members must run"
NOT_INITIATED = (
    "its replica set is not initiated. Run once: "
    '`mongosh "mongodb://{address}/?directConnection=true" --eval "rs.initiate()"`, then see that '
    '`mongosh "mongodb://{address}/?directConnection=true" --eval "rs.status().ok"` says 1'
)
OTHER_SET = (
    "it belongs to the replica set {found}, and MONGO_URI asks for {wanted}: correct replicaSet "
    "there"
)
WRONG_PASSWORD = "it refuses the user or the password of MONGO_URI"  # noqa: S105 (a sentence)
NO_RIGHTS = (
    "it does not let the user of MONGO_URI read the database {database}; or MONGO_URI names no "
    "user, and needs one"
)


def explain_outage(uri: str, error: StoreUnavailable, database: str) -> StoreUnavailable:
    try:
        parsed = parse_uri(uri, validate=False)
    except PyMongoError:  # the names of mongodb+srv are in the DNS
        return StoreUnavailable(f"MongoDB cannot be reached: {NO_NAME}")
    code = getattr(error.__cause__, "code", None)
    refused = {UNAUTHORIZED: NO_RIGHTS, AUTHENTICATION_FAILED: WRONG_PASSWORD}.get(code or 0)
    reasons, final = list[str](), refused is not None
    for host, port in parsed["nodelist"]:
        address = f"{host}:{port or PORT}"
        reason = refused or _probe(host, port or PORT, parsed["options"])
        final = final or reason.startswith(OTHER_SET.partition("{")[0])
        reasons.append(f"{address}: {reason.format(address=address, database=database)}")
    sentence = f"MongoDB cannot be used. {'; '.join(reasons)}"
    return StoreRefused(sentence) if final else StoreUnavailable(sentence)


def _probe(host: str, port: int, options: Mapping[str, Any]) -> str:
    try:
        socket.create_connection((host, port), PROBE_S).close()
    except socket.gaierror:
        return NO_NAME
    except ConnectionRefusedError:
        return NOBODY_LISTENS
    except OSError:
        return SILENT
    secure = {name: value for name, value in options.items() if name.lower().startswith("tls")}
    try:
        client: pymongo.MongoClient[dict[str, Any]]
        with closing(
            pymongo.MongoClient(host, port, directConnection=True, **TIMEOUTS, **secure)
        ) as client:
            answer = client.admin.command("hello")
    except OperationFailure:
        return WRONG_PASSWORD
    except (PyMongoError, OSError):
        return "it is no MongoDB, or its TLS is not that of MONGO_URI"
    found, wanted = answer.get("setName"), options.get("replicaSet") or options.get("replicaset")
    if found and wanted and found != wanted:
        return OTHER_SET.format(found=found, wanted=wanted)
    return NO_PRIMARY if found or not answer.get("isreplicaset") else NOT_INITIATED
