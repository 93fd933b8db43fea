// @ts-check
// The photo that will be sent: zoom in on the spot, and hear at once if it is too dark or blurred. A large
// one is made smaller.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { Message } from "/console/components.js";
import { say } from "/console/language.js";

// The server measures the same on the same part, and its answer counts; these are hints.
const SIDE = 256;
const SHOWN = 4 / 5;
const DIMMEST_HIGHLIGHTS = 40;
const PALEST = 244;
const SOFTEST = 1.5;
const SMALLEST = 64;
/** A file above this is sent smaller, so that the server's 10 MB refuse no phone; the longest side then. */
const ALONE = { bytes: 5e6, longest: 3000 };
/** The same for each of up to four, which share the 10 MB. */
const WITH_OTHERS = { bytes: 2e6, longest: 1800 };

/** @param {CanvasImageSource} picture @param {number[]} box left, top, width, height */
function measure(picture, box) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const side = SHOWN * Math.min(box[2], box[3]);
  const [left, top] = [box[0] + (box[2] - side) / 2, box[1] + (box[3] - side) / 2];
  context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
  const pixels = context.getImageData(0, 0, SIDE, SIDE).data;
  const grey = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < grey.length; i += 1)
    grey[i] = 0.299 * pixels[4 * i] + 0.587 * pixels[4 * i + 1] + 0.114 * pixels[4 * i + 2];
  const sorted = Float32Array.from(grey).sort();
  let squares = 0;
  for (let y = 1; y < SIDE - 1; y += 1)
    for (let x = 1; x < SIDE - 1; x += 1) {
      const i = y * SIDE + x;
      squares += (grey[i - 1] + grey[i + 1] + grey[i - SIDE] + grey[i + SIDE] - 4 * grey[i]) ** 2;
    }
  const found = {
    dark: sorted[Math.floor(0.95 * sorted.length)] < DIMMEST_HIGHLIGHTS,
    bright: sorted[Math.floor(0.5 * sorted.length)] > PALEST,
    blurred: Math.sqrt(squares / (SIDE - 2) ** 2) < SOFTEST,
    small: Math.min(box[2], box[3]) < SMALLEST,
  };
  return Object.entries(found).filter(([, is]) => is).map(([name]) => name);
}

/** What is shown of the photo, and sent: how much larger, and around which point, as shares of its sides. @typedef {{zoom: number, x: number, y: number}} View */
/** @type {View} */
export const WHOLE = { zoom: 1, x: 0.5, y: 0.5 };

/** The part that is sent, in the photo's pixels: left, top, width, height. @param {ImageBitmap} of @param {View} view @returns {[number, number, number, number]} */
function boxOf(of, view) {
  const [width, height] = [of.width / view.zoom, of.height / view.zoom];
  return [view.x * of.width - width / 2, view.y * of.height - height / 2, width, height];
}

/** The part with the square that is looked at. @param {HTMLCanvasElement} target @param {ImageBitmap} picture @param {[number, number, number, number]} box */
function draw(target, picture, box) {
  target.width = 960;
  target.height = Math.round((960 * picture.height) / picture.width);
  const context = /** @type {CanvasRenderingContext2D} */ (target.getContext("2d"));
  context.drawImage(picture, ...box, 0, 0, target.width, target.height);
  const side = SHOWN * Math.min(target.width, target.height);
  context.strokeStyle = "rgb(255 255 255 / 0.85)";
  context.lineWidth = 3;
  context.setLineDash([14, 10]);
  context.strokeRect((target.width - side) / 2, (target.height - side) / 2, side, side);
}

/** What is sent: the file as it is, where all of a small one is shown. @param {Blob} file @param {ImageBitmap} picture @param {View} view @param {boolean} several @returns {Promise<Blob>} */
export async function cutOut(file, picture, view, several) {
  const most = several ? WITH_OTHERS : ALONE;
  if (view.zoom === 1 && file.size <= most.bytes) return file;
  const box = boxOf(picture, view);
  const cut = document.createElement("canvas");
  const scale = Math.min(1, most.longest / Math.max(box[2], box[3]));
  cut.width = Math.round(scale * box[2]);
  cut.height = Math.round(scale * box[3]);
  cut.getContext("2d")?.drawImage(picture, ...box, 0, 0, cut.width, cut.height);
  return new Promise((resolve) => {
    cut.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.95);
  });
}

/** The photo, once it is read; `onUnreadable` hears that it cannot be. @param {Blob} file @param {() => void} onUnreadable */
function usePicture(file, onUnreadable) {
  const [picture, setPicture] = useState(/** @type {ImageBitmap | null} */ (null));
  useEffect(() => {
    let current = true;
    createImageBitmap(file).then((bitmap) => current && setPicture(bitmap), () => current && onUnreadable());
    return () => void (current = false);
  }, [file]);
  return picture;
}

/**
 * `onReady` hears how the photo is cut now, whenever that changes; `first` is how it is shown at first.
 * @param {{file: Blob, first: View, several: boolean, onReady: (take: () => Promise<Blob>, view: View) => void, onHints: (hints: string[]) => void, onUnreadable: () => void}} props
 */
export const PhotoCrop = ({ file, first, several, onReady, onHints, onUnreadable }) => {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const picture = usePicture(file, onUnreadable);
  const [view, setView] = useState(first);
  const [hints, setHints] = useState(/** @type {string[]} */ ([]));
  const drag = useRef(/** @type {{x: number, y: number} | null} */ (null));

  useEffect(() => {
    if (!picture || !canvas.current) return;
    const box = boxOf(picture, view);
    draw(canvas.current, picture, box);
    const timer = setTimeout(() => {
      const found = measure(picture, box);
      setHints(found);
      onHints(found);
    }, 150);
    /** @type {Promise<Blob> | undefined} */
    let made; // once: sent again, it is the same photo
    onReady(() => (made ??= cutOut(file, picture, view, several)), view);
    return () => clearTimeout(timer);
  }, [picture, view, several]);

  /** @param {number} zoom @param {number} x @param {number} y */
  const look = (zoom, x, y) => {
    const margin = 0.5 / zoom;
    const inside = (/** @type {number} */ place) => Math.min(1 - margin, Math.max(margin, place));
    setView({ zoom, x: inside(x), y: inside(y) });
  };
  const move = (/** @type {On<PointerEvent>} */ event) => {
    if (!drag.current || !canvas.current) return;
    const { clientWidth, clientHeight } = canvas.current;
    const across = (event.clientX - drag.current.x) / clientWidth / view.zoom;
    const down = (event.clientY - drag.current.y) / clientHeight / view.zoom;
    drag.current = { x: event.clientX, y: event.clientY };
    look(view.zoom, view.x - across, view.y - down);
  };
  const step = (/** @type {KeyboardEvent} */ event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const by = moves[/** @type {"ArrowUp"} */ (event.key)];
    if (!by || view.zoom === 1) return;
    event.preventDefault();
    look(view.zoom, view.x + (0.04 * by[0]) / view.zoom, view.y + (0.04 * by[1]) / view.zoom);
  };
  return html`
    <figure class=${view.zoom > 1 ? "crop zoomed" : "crop"}>
      <canvas ref=${canvas} tabindex="0" role="img" aria-label=${say("cropAlt")} onKeyDown=${step}
        onPointerDown=${(/** @type {On<PointerEvent>} */ event) => {
          drag.current = { x: event.clientX, y: event.clientY };
          event.target.setPointerCapture(event.pointerId);
        }}
        onPointerMove=${move} onPointerUp=${() => (drag.current = null)} onPointerCancel=${() => (drag.current = null)}></canvas>
      <figcaption>
        <label class="slider">${say("zoom")}
          <input type="range" min="1" max="6" step="0.1" value=${view.zoom} aria-valuetext=${`${view.zoom} ×`}
            onInput=${(/** @type {FieldEvent} */ event) => look(Number(event.target.value), view.x, view.y)} /></label>
        <small>${say("cropText")}</small>
      </figcaption>
      ${hints.length > 0 && html`<${Message}><strong>${say("qualityHint")}</strong>
        <ul>${hints.map((name) => html`<li>${say(/** @type {WordKey} */ (`quality_${name}`))}</li>`)}</ul><//>`}
    </figure>`;
};
