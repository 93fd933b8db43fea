"""Each area that sends findings to other systems has a `channel.py` in its tests, and each area in
which another system reads findings has a `reader.py`.
"""

from skinapi.base.area_parts import list_parts

CHANNELS = list_parts("channel", "tests")
READERS = list_parts("reader", "tests")
SCOPES = ("findings:read", *(reader.SCOPE for reader in READERS))
