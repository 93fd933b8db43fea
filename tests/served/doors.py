from skinapi.base.area_parts import list_parts
from tests.served.photo_clients import ANGULAR

_OF_AREAS = list_parts("doors", "tests")
CLIENTS = (ANGULAR, *(client for part in _OF_AREAS for client in part.CLIENTS))
DRAWN = tuple(client for client in CLIENTS if client.draws)
# With which settings a server lets them all in, and with which none that sends no token.
OPEN = {name: value for part in _OF_AREAS for name, value in part.OPEN.items()}
SHUT = {name: value for part in _OF_AREAS for name, value in part.SHUT.items()}
# As `REFUSED` of tests/served/bodies/test_bodies.py.
REFUSED = {why: said for part in _OF_AREAS for why, said in part.REFUSED.items()}
