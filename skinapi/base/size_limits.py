"""The errors for bodies and photos that are too large, with the limit in a form for people."""

from skinapi.base.errors import PayloadTooLarge

# A megabyte is 1024² bytes in file managers and 1000² on disk labels: the first that divides the
# size without a rest is used.
UNITS = ((1024**2, "MB"), (1000**2, "MB"), (1024, "KB"), (1000, "KB"))

# Of a request body, where the route has no limit of its own.
LARGEST_BODY = 1024 * 1024


def size_in_words(size: int) -> str:
    """The size in bytes as text for people, rounded down.

    >>> size_in_words(10 * 1024 * 1024), size_in_words(1_234_567), size_in_words(12)
    ('10 MB', '1.2 MB', '12 bytes')
    """
    for unit, name in UNITS:
        if size and size % unit == 0:
            return f"{size // unit} {name}"
    if size > 1000**2:
        return f"{size // 100_000 / 10:g} MB"
    return f"{size // 1000} KB" if size > 1000 else f"{size} bytes"


def photo_too_large(largest: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"File size exceeds maximum of {size_in_words(largest)}", largest=largest
    )


def body_too_large(largest: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {size_in_words(largest)}")
