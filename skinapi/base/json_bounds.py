"""Counts the values of a JSON text without parsing it, to limit the memory that parsing takes.

The three bytes `[],` take 130 bytes when parsed, so a body of 1 MB can take 43 MB. Therefore the
values are counted first.
"""

_STRUCTURE = b'"\\[{,'
_REST = bytes(set(range(256)) - set(_STRUCTURE))


def holds_more_values(text: bytes, most: int) -> bool:
    """Whether parsing this text could make more than about `most` values, at all depths together.

    Counts opening brackets, opening braces and commas outside strings. In JSON this count is at
    least the number of values minus one, and at most twice the number of values (if all of them are
    empty). For a text that is not JSON, the answer may be wrongly True.
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
