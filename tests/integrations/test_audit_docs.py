import json
from typing import Any

from skinapi.platform.storage.unit_of_work import AuditRow
from tests.integrations.docs_commands import block, typed
from tests.support.backends import Backend
from tests.support.local_server import serving_here


def test_the_commands_collect_the_audit_trail(backend: Backend) -> None:
    admin = backend.admin()
    for number in range(1100):
        backend.services.data.trail.record(AuditRow("test.act", by="-", target=str(number)))
    told: dict[str, Any] = {}
    exec(block("python audit").text, told)
    with serving_here(backend.app) as address:
        printed = typed("bash audit", address, admin.token).splitlines()
        rows = [*told["collect"](address, admin.token)]
        assert [*told["collect"](address, admin.token, after=rows[-1]["cursor"])] == []
    assert [json.loads(line) for line in printed] == rows[:1000]
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) > 1100
