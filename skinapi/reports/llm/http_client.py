"""Sends requests to the LLM's provider."""

import json
from collections.abc import Mapping
from typing import Any

from skinapi.http_client import CallFailed, HttpClient, Reply, Request
from skinapi.reports.errors import NarrativeUnavailable
from skinapi.reports.narrative import Reason

MOST_AT_ONCE = 4
LARGEST_ANSWER = 64 * 1024


class LlmHttpClient:
    """At most four requests at a time in a process. More are refused and do not wait: the template
    can write the narrative at once.
    """

    def __init__(self, *, url: str, key: str) -> None:
        self._client = HttpClient(url, most_at_once=MOST_AT_ONCE, largest_answer=LARGEST_ANSWER)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, body: Mapping[str, Any], *, deadline: float) -> Reply:
        """Send a request. `deadline` is a time of `time.monotonic`. Raises NarrativeUnavailable, by
        the deadline at the latest, and at once if all slots are taken.
        """
        content = json.dumps(body).encode()
        request = Request("POST", "/chat/completions", self._headers, content)
        try:
            return self._client.send(request, deadline=deadline)
        except CallFailed as failed:
            raise NarrativeUnavailable(Reason(failed.fault)) from failed
