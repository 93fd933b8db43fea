"""Who is told of people."""

from skinapi.platform.area import Stored

STORED = Stored(told={"webhooks": "webhooks"})
