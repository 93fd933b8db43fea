"""Sends the messages of webhooks: what is in one, how it is signed, and what an answer means.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skinapi.base.errors import NotFound
from skinapi.base.http_client import CallFailed, HttpClient, Request
from skinapi.base.settings import VERSION
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.records.schemas import SubmissionView
from skinapi.integrations.webhooks.addresses import Addresses
from skinapi.integrations.webhooks.endpoints import DisabledBecause, Endpoint, Endpoints, Secrets
from skinapi.integrations.webhooks.service import WebhooksService
from skinapi.platform.notices.deliveries import Delivery, NotDelivered, Refused

DEADLINE_S = 15.0
GONE = 410
# Of what `GET /submissions/{number}` answers, where an admin has chosen that for the endpoint: no
# name, no e-mail, no photo, and nothing that somebody has written.
CLINICAL = {
    *("stated", "headline", "band", "probabilities", "codes", "malignant_score", "uncertain"),
    *("reasons", "model_version", "decision", "instruction"),
}
NAMES = {"decision": {"decided_by"}}
# Where the API answers for an id of a message, and where the console shows it.
PATHS = {
    "finding": ("/submissions/{}", "/#/finding/{}"),
    "review": ("/submissions/{finding}/reviews", ""),
    "letter": ("/submissions/{finding}/letters", ""),
    "job": ("/jobs/{}", "/#/job/{}"),
    "model": ("/models/{}", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    """`address` is where people and programs find this server."""

    endpoints: Endpoints
    secrets: Secrets
    addresses: Addresses
    service: WebhooksService
    findings: ChangedFindings
    address: str
    authorities: Path | None = None

    def send(self, delivery: Delivery) -> int | None:
        """For `Channel`. Raises NotDelivered, Refused."""
        endpoint = self.endpoints.find(delivery.to)
        if endpoint is None or not endpoint.enabled:
            raise Refused("disabled")
        if not self.secrets.is_known(endpoint.secret):
            raise NotDelivered("secret_unknown")
        try:
            status = self._post(endpoint, delivery)
        except NotDelivered:
            self.service.note_failure(endpoint)
            raise
        if status == GONE:
            self.service.disable(endpoint.id, because=DisabledBecause.GONE)
            raise Refused("gone", answer=status)
        if not 200 <= status < 300:
            self.service.note_failure(endpoint)
            raise NotDelivered("redirect" if 300 <= status < 400 else "status", answer=status)
        if endpoint.failing_since_at:
            with suppress(NotFound):  # deleted meanwhile
                self.endpoints.change(endpoint.id, failing_since_at=None)
        return status

    def _post(self, endpoint: Endpoint, delivery: Delivery) -> int:
        url, body = urlsplit(endpoint.url), self._body(endpoint, delivery)
        timestamp = int(time.time())
        signature = self.secrets.sign(
            endpoint, identifier=delivery.id, timestamp=timestamp, body=body
        )
        # Of this one call: what the name means is asked for each.
        client = HttpClient(
            f"{url.scheme}://{url.netloc}",
            most_at_once=1,
            largest_answer=0,
            resolve=self.addresses.resolver(endpoint.url),
            authorities=self.authorities,
        )
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"SkinAPI/{VERSION}",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature,
        }
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            request = Request("POST", path, headers, body)
            return client.send(request, deadline=time.monotonic() + DEADLINE_S).status
        except CallFailed as failed:
            raise NotDelivered(failed.fault.value) from failed

    def _body(self, endpoint: Endpoint, delivery: Delivery) -> bytes:
        ids: Mapping[str, Any] = delivery.about.get("ids", {})
        data: dict[str, Any] = {"ids": ids, "links": self._links(ids)}
        if endpoint.clinical and "finding" in ids and (read := self._finding(ids["finding"])):
            data["finding"] = read
        happened = delivery.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"type": delivery.about["type"], "timestamp": happened, "data": data}
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

    def _links(self, ids: Mapping[str, Any]) -> dict[str, str]:
        links = {}
        for name, (path, page) in PATHS.items():
            if name in ids:
                links[name] = self.address + path.format(ids[name], **ids)
                if page:
                    links["console"] = self.address + page.format(ids[name], **ids)
        return links

    def _finding(self, number: int) -> dict[str, Any] | None:
        """As a program may know it now."""
        found = self.findings.find(number)
        if found is None:
            return None
        view = SubmissionView.of(*found)
        return view.model_dump(mode="json", by_alias=True, include=CLINICAL, exclude=NAMES)
