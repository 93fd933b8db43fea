import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {
    "akiec": (200, 60, 60),
    "bcc": (90, 140, 220),
    "bkl": (70, 160, 70),
    "df": (230, 200, 60),
    "mel": (25, 20, 25),
    "nv": (120, 70, 30),
    "vasc": (150, 20, 140),
}
COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization", "modality")
SOURCE_COLUMNS = ("image_id", "lesion_id", "patient_id", "dx", "modality")


def draw_lesion(
    dx: str, random: np.random.Generator, size: tuple[int, int] = (100, 76)
) -> Image.Image:
    skin = np.array((224, 178, 150)) + random.normal(0, 6, 3)
    picture = Image.new("RGB", size, tuple(int(value) for value in skin))
    width, height = size
    radius = random.uniform(0.18, 0.3) * height
    x, y = width / 2 + random.normal(0, 4), height / 2 + random.normal(0, 4)
    colour = np.clip(np.array(COLOURS[dx]) + random.normal(0, 12, 3), 0, 255)
    box = (x - radius, y - radius, x + radius, y + radius)
    ImageDraw.Draw(picture).ellipse(box, fill=tuple(int(value) for value in colour))
    pixels = np.asarray(picture, np.float32) + random.normal(0, 5, (height, width, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_ham_like(folder: Path, *, lesions_per_class: int, seed: int = 0) -> Path:
    """Write HAM10000's columns next to the pictures. Every third lesion has two pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    rows = []
    for dx in COLOURS:
        for lesion in range(lesions_per_class):
            for shot in range(2 if lesion % 3 == 0 else 1):
                image_id = f"{dx}_{lesion:03}_{shot}"
                draw_lesion(dx, random).save(folder / f"{image_id}.png")
                age, sex = 20 + lesion * 3 % 70, ("male", "female")[lesion % 2]
                facts = ("histo", age, sex, "back", "dermoscopic")
                rows.append((f"{dx}_{lesion}", image_id, dx, *facts))
    with (folder / "metadata.csv").open("w", newline="") as table:
        csv.writer(table).writerows([COLUMNS, *rows])
    return folder


def write_source(folder: Path, *rows: str, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    (folder / "metadata.csv").write_text("\n".join([",".join(SOURCE_COLUMNS), *rows]) + "\n")
    random = np.random.default_rng(seed)
    for row in rows:
        draw_lesion("nv", random).save(folder / f"{row.partition(',')[0]}.png")
    return folder
