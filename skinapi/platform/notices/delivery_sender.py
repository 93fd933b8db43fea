import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from skinapi.base.errors import StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.notices.deliveries import Channel, Deliveries, Delivery, NotDelivered, Refused
from skinapi.platform.storage.background import Lease, Stopping
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store

SENT_AT_ONCE = 50
MOST_LANES = 40  # concurrent endpoints, each with a thread
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
END_S = 4.0
LEASE_LENGTH = timedelta(seconds=30)


@dataclass(slots=True)
class _Lane:
    thread: threading.Thread | None = None
    pause_s: float = 0.0
    paused_until: float = 0.0

    @property
    def is_busy(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def pause(self) -> None:
        self.pause_s = min(max(FIRST_PAUSE_S, 2 * self.pause_s), LONGEST_PAUSE_S)
        self.paused_until = time.monotonic() + self.pause_s


class DeliverySender:
    """Sends each delivery at least once: after a crash it may be sent again, with the same id. One
    process of all sends at a time. Each endpoint has its own thread, so that a slow one delays no
    other.
    """

    def __init__(
        self,
        store: Store,
        deliveries: Deliveries,
        channels: Mapping[str, Channel],
        failed: FailedItems,
        stopping: Stopping,
    ) -> None:
        self._lease = Lease(store.collection("leases"), "delivery-sender", length=LEASE_LENGTH)
        self._deliveries = deliveries
        self._channels, self._failed, self._stopping = channels, failed, stopping
        self._lanes: dict[str, _Lane] = {}
        self._mine = False

    def run_once(self) -> None:
        waiting = self._waiting_lanes()
        busy = any(lane.is_busy for lane in self._lanes.values())
        if not waiting and not busy:
            self._give_back()
            return
        self._mine = self._lease.renew() if self._mine else self._lease.claim() is not None
        if not self._mine:
            return
        self._lanes = {to: self._lanes.get(to) or _Lane() for to in waiting}
        for to, lane in self._lanes.items():
            if not lane.is_busy and time.monotonic() >= lane.paused_until:
                lane.thread = threading.Thread(
                    target=self._send_lane, args=(to, lane), name=f"delivery-{to}", daemon=True
                )
                lane.thread.start()

    def finish_pass(self) -> None:
        self.run_once()
        for lane in self._lanes.values():
            if lane.thread:
                lane.thread.join()

    def stop(self) -> None:
        until = time.monotonic() + END_S
        for lane in self._lanes.values():
            if lane.thread:
                lane.thread.join(max(0.0, until - time.monotonic()))
        self._give_back()

    def _give_back(self) -> None:
        if self._mine:
            self._lease.release()
            self._mine = False

    def _waiting_lanes(self) -> list[str]:
        found, last = [to for to, lane in self._lanes.items() if lane.is_busy], ""
        while len(found) < MOST_LANES and (lane := self._deliveries.find_next_lane(last)):
            last = lane
            if lane not in found:
                found.append(lane)
        return found

    def _send_lane(self, to: str, lane: _Lane) -> None:
        try:
            sent = self._failed.each(
                "delivery",
                self._deliveries.find_due(to, SENT_AT_ONCE),
                lambda document: self._send_stored(document, lane),
                postpone=self._deliveries.retry_damaged,
            )
            all(sent)  # until the first that must not be sent
        except StoreUnavailable:
            lane.pause()

    def _send_stored(self, document: Document, lane: _Lane) -> bool:
        if self._stopping.is_set() or not self._mine:
            return False
        delivery = Delivery.model_validate(document)
        channel = self._channels.get(delivery.kind)
        return channel is None or self._send(delivery, channel, lane)

    def _send(self, delivery: Delivery, channel: Channel, lane: _Lane) -> bool:
        try:
            answer = channel.send(delivery)
        except Refused as refused:
            log.warning("delivery_refused", kind=delivery.kind, reason=refused.fault)
            self._deliveries.mark_refused(delivery, refused)
            return True
        except NotDelivered as failed:
            if not lane.pause_s:
                log.warning("delivery_later", kind=delivery.kind, reason=failed.fault)
            lane.pause()
            self._deliveries.retry(delivery, failed)
            since = now() - channel.tried_for
            self._deliveries.give_up(delivery.to, waiting_since=since, why=failed.fault)
            return False
        self._deliveries.mark_delivered(delivery, answer=answer)
        lane.pause_s = 0.0
        return True
