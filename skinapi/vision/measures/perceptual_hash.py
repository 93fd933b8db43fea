"""A perceptual hash, by which copies of a picture are found that were scaled or compressed again.

A difference hash (dHash): whether each of 64 places is brighter than its left neighbour. Turned and
mirrored copies have another hash.
"""

from itertools import pairwise

from PIL import Image

WIDTH, HEIGHT = 9, 8


def difference_hash(pixels: Image.Image) -> int:
    """64 bits, the first row in the highest. Pictures that look the same differ in few of them."""
    small = pixels.convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(HEIGHT):
        line = small[row * WIDTH : (row + 1) * WIDTH]
        for left, right in pairwise(line):
            bits = bits << 1 | (right > left)
    return bits
