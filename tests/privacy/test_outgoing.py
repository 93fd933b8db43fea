"""What leaves the server stands in docs/operate/privacy.md, for each module that calls another."""

import ast
import re
from pathlib import Path

from tests.repository.documents import ROOT, chapter

# By the module that calls: what switches it on, as the table says.
CALLERS = {
    "skinapi.findings.reports.openrouter": "OPENROUTER_API_KEY",
    "skinapi.platform.notices.sender": "SMTP_URL",
    "skinapi.platform.stores": "MONGO_URI",
    "skinapi.platform.web.mongo_limit_windows": "RATE_LIMIT_STORAGE",
    "skinapi.platform.jobs.dramatiq_broker": "JOBS_BROKER",
    "skinapi.integrations.oidc.provider": "OIDC_PROVIDERS",
    "skinapi.integrations.webhooks.addresses": "#/integrations/webhooks",
    "skinapi.integrations.webhooks.sender": "#/integrations/webhooks",
    "skinapi.integrations.dicom.archive": "ARCHIVE_URL",
}
# What others call through, the parts of a URL, the name of this machine, and a command that spreads
# its work over machines that it is given.
CALL_NOBODY = {
    "skinapi.base.http_client",
    "skinapi.base.settings.value_checks",
    "skinapi.platform.jobs.job_worker",
    "skinapi.app.batch.cluster",
}
OUTGOING = re.compile(
    r"^(http\.client|http_client|skinapi\.http_client|smtplib|socket|ssl|redis|pymongo|gridfs|"
    r"dramatiq|urllib\.request|requests|httpx|ftplib|asyncio)(\.|$)"
)


def test_every_module_that_calls_another_server_is_in_the_table() -> None:
    table = chapter("docs/operate/privacy.md", "What is stored, and what leaves the server")
    unnamed = [
        module
        for path in (ROOT / "skinapi").rglob("*.py")
        if (module := caller_of(path)) and module not in CALL_NOBODY
        if not any(module == one or module.startswith(f"{one}.") for one in CALLERS)
    ]
    assert unnamed == [], "they can call another server: name them here, and in the table"
    assert [one for one in CALLERS.values() if f"`{one}`" not in table] == []


def caller_of(path: Path) -> str:
    """The name of this module, if it imports what calls other servers."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return module if any(map(OUTGOING.match, names)) else ""
