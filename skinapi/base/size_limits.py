from skinapi.base.errors import PayloadTooLarge

# A megabyte is 1024² bytes in file managers and 1000² on disk labels: the first that divides the
# size without a rest is used.
UNITS = ((1024**2, "MB"), (1000**2, "MB"), (1024, "KB"), (1000, "KB"))

LARGEST_PHOTO = 10 * 1024 * 1024  # the default of MAX_UPLOAD_BYTES
# Of a request body, where the route has no limit of its own.
LARGEST_BODY = 1024 * 1024
_STRUCTURE = b'"\\[{,'
_REST = bytes(set(range(256)) - set(_STRUCTURE))


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


def holds_more_values(text: bytes, most: int) -> bool:
    """Whether parsing this JSON text could make more than about `most` values in total. The three
    bytes `[],` take 130 bytes when parsed, so values are counted before.

    Counts opening brackets, opening braces and commas outside of strings: in JSON one less than the
    values, up to twice as many. For a text that is not JSON, the answer may be wrongly True.
    """
    # First, because it is fast for a photo in base64, which contains none of these characters.
    if _count(text) <= most:
        return False
    # Pairs of backslashes first: only a backslash that is left after that escapes a quote.
    plain = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _REST)
    # A string has two quotes, and for each counted character there are at most two strings: a key
    # and a value. So this many quotes mean too many values, and the split below stays small.
    if plain.count(b'"') > 4 * (most + 1):
        return True
    return sum(map(_count, plain.split(b'"')[::2])) > most


def _count(text: bytes) -> int:
    return sum(map(text.count, (b"[", b"{", b",")))
