"""What other systems are told of a finding, and what they read: each area that tells one has a
`channel.py` among its tests, each in which one reads a `reader.py`.
"""

from skinapi.base.area_parts import list_parts

CHANNELS = list_parts("channel", "tests")
READERS = list_parts("reader", "tests")
SCOPES = ("findings:read", *(reader.SCOPE for reader in READERS))
