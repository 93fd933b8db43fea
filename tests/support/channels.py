"""What other systems are told of a finding: each area that tells one has a `channel.py` among its
tests.
"""

from skinapi.base.area_parts import list_parts

CHANNELS = list_parts("channel", "tests.integrations")
