"""HTTP client for the LLM's provider. A call ends by its deadline, whatever the provider does."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from skinapi.reports.errors import NarrativeUnavailable
from skinapi.reports.narrative import Reason

MOST_AT_ONCE = 4
LARGEST_ANSWER = 64 * 1024
CHUNK_BYTES = 8 * 1024


@dataclass(frozen=True)
class Reply:
    status: int
    retry_after: str | None
    content: bytes


class LlmHttpClient:
    """Sends requests with a deadline, at most four at a time in a process.

    A socket's read timeout starts again with every byte, so it cannot enforce a deadline. So each
    request runs in its own thread, and the caller stops waiting at the deadline. The thread holds
    its slot until it ends, so that abandoned requests count too.
    """

    def __init__(self, *, url: str, key: str) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        # "identity" asks for no compression: a small compressed answer could unpack to a large one.
        self._headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
        self._slots = threading.Semaphore(MOST_AT_ONCE)

    def ask(self, body: Mapping[str, Any], *, deadline: float) -> Reply:
        """Send a request. `deadline` is a time of `time.monotonic`. Raises NarrativeUnavailable, by
        the deadline at the latest, and at once if all slots are taken.
        """
        # No waiting for a slot: the template can write the narrative at once.
        if not self._slots.acquire(blocking=False):
            raise NarrativeUnavailable(Reason.BUSY)
        outcomes: SimpleQueue[Reply | Reason] = SimpleQueue()
        thread = threading.Thread(
            target=self._post_in_thread, args=(body, deadline, outcomes.put), daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system cannot start another thread
            self._slots.release()
            raise NarrativeUnavailable(Reason.BUSY) from error
        try:
            outcome = outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty as error:
            raise NarrativeUnavailable(Reason.DEADLINE) from error
        if isinstance(outcome, Reason):
            raise NarrativeUnavailable(outcome)
        return outcome

    def _post_in_thread(
        self, body: Mapping[str, Any], deadline: float, report: Callable[[Reply | Reason], None]
    ) -> None:
        try:
            report(self._post(body, deadline))
        except NarrativeUnavailable as unwritten:
            report(Reason(unwritten.reason))
        except (requests.RequestException, HTTPError, OSError):
            report(Reason.DEADLINE if time.monotonic() >= deadline else Reason.UNREACHABLE)
        finally:
            self._slots.release()

    def _post(self, body: Mapping[str, Any], deadline: float) -> Reply:
        with requests.Session() as session:
            # Proxies from the environment or a .netrc could send the key and the facts to a place
            # that no setting names. So could a redirect by the provider.
            session.trust_env = False
            with session.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=max(0.001, deadline - time.monotonic()),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = _read(answer, deadline)
                return Reply(answer.status_code, answer.headers.get("Retry-After"), content)


def _read(answer: requests.Response, deadline: float) -> bytes:
    content = b""
    while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise NarrativeUnavailable(Reason.TOO_LARGE)
        if time.monotonic() >= deadline:
            raise NarrativeUnavailable(Reason.DEADLINE)
    return content
