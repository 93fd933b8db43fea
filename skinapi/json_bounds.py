"""How many values a JSON text holds, found without making any of them.

Parsed, the three bytes of `[],` take 130: a body of one megabyte takes 43. So the values are
counted first.
"""

_STRUCTURE = b'"\\[{,'
_REST = bytes(set(range(256)) - set(_STRUCTURE))


def holds_more_values(text: bytes, most: int) -> bool:
    """Whether parsing this text could make more than about `most` values, at all depths together.

    Counted are brackets, braces and commas: for a JSON text never fewer than its values but one,
    and at most twice as many, where all of them are empty. Those inside of strings are left out. A
    text that is no JSON may be told to hold too many.
    """
    if _count(text) <= most:  # the least work for a photo in base64, which has none of these signs
        return False
    # In pairs first: a backslash that stands alone hides the quote after it.
    plain = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _REST)
    # Two quotes a string, and at most two strings, a key and a value, to each that is counted.
    if plain.count(b'"') > 4 * (most + 1):
        return True
    return sum(map(_count, plain.split(b'"')[::2])) > most


def _count(text: bytes) -> int:
    return sum(map(text.count, (b"[", b"{", b",")))
