from skinapi.platform.area import Area

AREA = Area(
    name="broker",
    summary="a message broker that wakes job workers",
    page="docs/operate/broker.md",
)
