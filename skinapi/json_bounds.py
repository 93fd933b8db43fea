"""How many values a JSON text holds, found without making any of them.

Parsed, three bytes of `[],` become an object of 56: a body of one megabyte becomes twenty. So the
values are counted first.
"""

_STRUCTURE = b'"\\[{,'
_REST = bytes(set(range(256)) - set(_STRUCTURE))


def holds_more_values(text: bytes, most: int) -> bool:
    """Whether parsing this text would make more than `most` values, of all depths together.

    Every value but the outermost follows a bracket, a brace or a comma. What is inside of strings
    is left out only where that matters. A text that is no JSON may be told to hold too many.
    """
    if _count(text) <= most:
        return False
    # A backslash in a string hides the sign after it. In pairs, so that `\\\\"` ends a string.
    plain = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _REST)
    # Two quotes a string, and no more than two strings, a key and a value, to every one counted.
    if plain.count(b'"') > 4 * (most + 1):
        return True
    outside = plain.split(b'"')[::2]
    return sum(map(_count, outside)) > most


def _count(text: bytes) -> int:
    return sum(text.count(sign) for sign in (b"[", b"{", b","))
