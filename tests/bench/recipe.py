"""The recipe that serving is compared with, as DermaScan guide's readers follow it: FastAPI,
`model.predict`, Grad-CAM by a gradient tape, a PNG at the photo's size.

`RECIPE_MODEL=FILE.keras python -m uvicorn tests.bench.recipe:app`; `make_recipe_model` writes the
file, so that this process holds what such a server holds and nothing of ours.
"""

import base64
import io
import os
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from fastapi import FastAPI, UploadFile
from numpy.typing import NDArray
from PIL import Image

SIDE = 224
LAST_MAP = "conv5_block3_out"
MALIGNANT = (0, 1, 4)
SHARE = 0.4

model: Any = keras.models.load_model(os.environ["RECIPE_MODEL"])
explained: Any = keras.Model(model.inputs, [model.get_layer(LAST_MAP).output, model.output])
steps = np.arange(256) / 255
ramps = [np.clip(1.5 - np.abs(4 * steps - peak), 0, 1) for peak in (3, 2, 1)]
jet = (np.stack(ramps, axis=1) * 255).astype(np.uint8)

app = FastAPI()


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "healthy"}


@app.post("/api/predict")
async def predict(file: UploadFile) -> dict[str, Any]:
    started = time.perf_counter()
    photo = Image.open(io.BytesIO(await file.read())).convert("RGB")
    small = np.asarray(photo.resize((SIDE, SIDE)), np.float32)
    batch = keras.applications.resnet50.preprocess_input(small[None])
    probabilities = model.predict(batch, verbose=0)[0]
    overlay = draw_overlay(photo, explain(batch, int(probabilities.argmax())))
    ranked = sorted(enumerate(probabilities.tolist()), key=lambda entry: -entry[1])
    return {
        "predictions": [{"label": str(row), "probability": share} for row, share in ranked],
        "malignant_score": float(probabilities[list(MALIGNANT)].sum()),
        "grad_cam": f"data:image/png;base64,{base64.b64encode(overlay).decode()}",
        "processing_time_ms": int((time.perf_counter() - started) * 1000),
    }


def explain(batch: NDArray[np.float32], output: int) -> NDArray[np.float32]:
    with tf.GradientTape() as tape:
        feature_map, probabilities = explained(batch)
        score = probabilities[:, output]
    slopes = tf.reduce_mean(tape.gradient(score, feature_map), axis=(0, 1, 2))
    heat: NDArray[np.float32] = np.maximum((feature_map[0] @ slopes[:, None]).numpy()[..., 0], 0)
    return heat / max(float(heat.max()), 1e-8)


def draw_overlay(photo: Image.Image, heat: NDArray[np.float32]) -> bytes:
    grey = Image.fromarray((heat * 255).astype(np.uint8)).resize(photo.size)
    colours = Image.fromarray(jet[np.asarray(grey)])
    out = io.BytesIO()
    Image.blend(photo, colours, SHARE).save(out, "PNG")
    return out.getvalue()
