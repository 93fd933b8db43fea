"""A photo of twelve megapixels: read as we do it against decoded whole and then shrunk; and what
the lesion's outline costs beside reading, on a common shape and on a long strip.

python -m tests.bench.decoding
"""

import io
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from skinapi.vision.decoding.photo import read_photo
from skinapi.vision.outline import measure_shape
from tests.vision.photos import encoded, skin_with_spot

ROUNDS = 15
SIZE = (4000, 3000)
SHAPES = {"600 x 450": (600, 450), "12 MP": SIZE, "strip of 4.8 MP": (12_000, 400)}


def main() -> None:
    content = large_photo()
    ours, naive = median_ms(lambda: read_photo(content)), median_ms(lambda: decode_whole(content))
    sys.stdout.write(
        f"12 megapixels, {len(content) / 1e6:.1f} MB: ours {ours:.1f} ms, "
        f"whole {naive:.1f} ms, {ours / naive:.2f} of it\n"
    )
    for name, sides in SHAPES.items():
        shaped = encoded(skin_with_spot(sides))
        photo = read_photo(shaped)
        reading = median_ms(partial(read_photo, shaped))
        outline = median_ms(partial(measure_shape, photo))
        sys.stdout.write(
            f"{name}: read {reading:.1f} ms, outline {outline:.1f} ms, "
            f"{outline / reading:.2f} of it\n"
        )


def large_photo() -> bytes:
    """Skin-like grain, so that the file has a camera's size."""
    random = np.random.default_rng(0)
    grain = random.normal((200, 150, 130), 10, (SIZE[1] // 4, SIZE[0] // 4, 3))
    picture = Image.fromarray(grain.clip(0, 255).astype(np.uint8)).resize(SIZE)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


def decode_whole(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB").resize((224, 224))


def median_ms(work: Callable[[], object]) -> float:
    """Of thread time: this machine may be busy with something else."""
    spent = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work()
        spent.append((time.thread_time() - started) * 1000)
    return float(np.median(spent))


if __name__ == "__main__":
    main()
