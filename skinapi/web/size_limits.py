"""How much a request may hold, and how that is said to people."""

from skinapi.errors import PayloadTooLarge

# What a file manager calls a megabyte, and what a disk's label does; the first that fits.
UNITS = ((1024**2, "MB"), (1000**2, "MB"), (1024, "KB"), (1000, "KB"))


def size_in_words(size: int) -> str:
    """The size as people say it, e.g. "10 MB"; never more than it is."""
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
