"""A photo of twelve megapixels: read as we do it against decoded whole and then shrunk.

python -m tests.bench.decoding
"""

import io
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from skinapi.vision.photo import read_photo

ROUNDS = 15
SIZE = (4000, 3000)


def main() -> None:
    content = large_photo()
    ours, naive = median_ms(lambda: read_photo(content)), median_ms(lambda: decode_whole(content))
    sys.stdout.write(
        f"12 megapixels, {len(content) / 1e6:.1f} MB: ours {ours:.1f} ms, "
        f"whole {naive:.1f} ms, {ours / naive:.2f} of it\n"
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
