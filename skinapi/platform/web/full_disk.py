"""Says which requests go on when the disk is full."""

from flask import Flask, request

from skinapi.platform.storage.disk_reserve import DiskReserve

READS = ("GET", "HEAD", "OPTIONS")
READINESS = "/readyz"
LOG_INS = ("/login", "/auth/logout")


def keep_room(app: Flask, reserve: DiskReserve) -> None:
    """Let log-ins and deletions use the reserve of a full disk, and no other change."""

    @app.before_request
    def look() -> None:
        if request.method == "DELETE" or request.path in LOG_INS:
            reserve.free_when_full()
        elif request.method not in READS or request.path == READINESS:
            reserve.refuse_without()
