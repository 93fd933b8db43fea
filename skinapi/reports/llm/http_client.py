"""One HTTP request to the LLM's provider, over by its deadline whatever the other side does."""

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
PIECE = 8 * 1024


@dataclass(frozen=True)
class Reply:
    status: int
    retry_after: str | None
    content: bytes


class LlmHttpClient:
    """A read's timeout begins anew with every byte, so a request runs in a thread of its own and is
    left behind when its time is up; it keeps its place until it has ended, so that no more than
    four are ever under way in a process.
    """

    def __init__(self, *, url: str, key: str) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
        self._places = threading.Semaphore(MOST_AT_ONCE)

    def ask(self, body: Mapping[str, Any], *, until: float) -> Reply:
        """Until this monotonic time at the latest. Raises NarrativeUnavailable."""
        if not self._places.acquire(blocking=False):
            raise NarrativeUnavailable(Reason.BUSY)
        heard: SimpleQueue[Reply | Reason] = SimpleQueue()
        talk = threading.Thread(target=self._talk, args=(body, until, heard.put), daemon=True)
        try:
            talk.start()
        except RuntimeError as error:  # no more threads to be had
            self._places.release()
            raise NarrativeUnavailable(Reason.BUSY) from error
        try:
            outcome = heard.get(timeout=max(0.0, until - time.monotonic()))
        except Empty as error:
            raise NarrativeUnavailable(Reason.DEADLINE) from error
        if isinstance(outcome, Reason):
            raise NarrativeUnavailable(outcome)
        return outcome

    def _talk(
        self, body: Mapping[str, Any], until: float, say: Callable[[Reply | Reason], None]
    ) -> None:
        try:
            say(self._post(body, until))
        except NarrativeUnavailable as unwritten:
            say(Reason(unwritten.reason))
        except (requests.RequestException, HTTPError, OSError):
            say(Reason.DEADLINE if time.monotonic() >= until else Reason.UNREACHABLE)
        finally:
            self._places.release()

    def _post(self, body: Mapping[str, Any], until: float) -> Reply:
        with requests.Session() as session:
            # The environment's proxies and .netrc would send key and facts where no setting says;
            # a redirect would let the other side do so.
            session.trust_env = False
            with session.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=max(0.001, until - time.monotonic()),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = _read(answer, until)
                return Reply(answer.status_code, answer.headers.get("Retry-After"), content)


def _read(answer: requests.Response, until: float) -> bytes:
    content = b""
    while piece := answer.raw.read1(PIECE, decode_content=False):
        content += piece
        if len(content) > LARGEST_ANSWER:
            raise NarrativeUnavailable(Reason.TOO_LARGE)
        if time.monotonic() >= until:
            raise NarrativeUnavailable(Reason.DEADLINE)
    return content
