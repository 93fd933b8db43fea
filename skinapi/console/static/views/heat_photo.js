// @ts-check
// The photo of a finding, which one can zoom into; the heat map on demand, beside it.

import { html, useEffect, useLayoutEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";

/** @typedef {{cells: number[][], box: number[]}} Heat the heat of each cell, and the part of the photo that they cover */

const STOPS = [
  [70, 40, 160],
  [30, 150, 160],
  [80, 200, 100],
  [255, 235, 50],
];

/** @param {number} heat between 0 and 1 */
function heatColour(heat) {
  const place = Math.min(heat, 0.9999) * (STOPS.length - 1);
  const [low, high] = [STOPS[Math.floor(place)], STOPS[Math.floor(place) + 1]];
  return low.map((from, index) => from + (high[index] - from) * (place % 1));
}

/** The heat map as a small picture, one pixel a cell. @param {number[][]} cells */
function drawCells(cells) {
  const canvas = document.createElement("canvas");
  canvas.width = cells[0].length;
  canvas.height = cells.length;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const hottest = Math.max(...cells.flat());
  const pixels = context.createImageData(canvas.width, canvas.height);
  cells.flat().forEach((cell, index) => {
    const heat = hottest > 0 ? cell / hottest : 0;
    pixels.data.set([...heatColour(heat), 255 * heat], 4 * index);
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The photo with the heat map over it. @param {{url: string, heat: Heat}} props */
const Mapped = ({ url, heat }) => {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const image = useRef(/** @type {HTMLImageElement | null} */ (null));
  const draw = () => {
    const [target, photo] = [canvas.current, image.current];
    if (!target || !photo?.naturalWidth) return;
    const width = Math.min(photo.naturalWidth, 1200);
    target.width = width;
    target.height = Math.round((width * photo.naturalHeight) / photo.naturalWidth);
    const context = /** @type {CanvasRenderingContext2D} */ (target.getContext("2d"));
    const [left, top, right, bottom] = heat.box;
    context.imageSmoothingQuality = "high";
    context.drawImage(
      drawCells(heat.cells),
      left * target.width,
      top * target.height,
      (right - left) * target.width,
      (bottom - top) * target.height,
    );
  };
  useEffect(draw, [url, heat]);
  return html`
    <img ref=${image} src=${url} alt=${say("heatMap")} onLoad=${draw} />
    <canvas ref=${canvas} aria-hidden="true"></canvas>`;
};

/** Where a frame begins so that this place of the photo, a share, is in its middle. @param {number} place @param {number} whole @param {number} shown */
const startOf = (place, whole, shown) => Math.max(0, Math.min(whole - shown, place * whole - shown / 2));

/** @param {HTMLElement} frame @param {{x: number, y: number}} middle */
const scrollOf = (frame, { x, y }) => ({
  left: startOf(x, frame.scrollWidth, frame.clientWidth),
  top: startOf(y, frame.scrollHeight, frame.clientHeight),
});

/** @param {{url: string, heat: Heat}} props */
export const HeatPhoto = ({ url, heat }) => {
  const figure = useRef(/** @type {HTMLElement | null} */ (null));
  const [zoom, setZoom] = useState(1);
  const [ratio, setRatio] = useState("");
  const [mapped, setMapped] = useState(false);
  const [left, top, right, bottom] = heat.box;
  // What one looks at: the middle of what the model looked at, until one has scrolled elsewhere.
  const middle = useRef({ x: (left + right) / 2, y: (top + bottom) / 2 });
  const align = () =>
    figure.current?.querySelectorAll(".photo-frame").forEach((frame) => frame.scrollTo(scrollOf(/** @type {HTMLElement} */ (frame), middle.current)));
  useLayoutEffect(align, [zoom, mapped, ratio]);
  /** @param {any} event */
  const scrolled = ({ currentTarget: frame }) => {
    const own = scrollOf(frame, middle.current);
    if (Math.abs(own.left - frame.scrollLeft) <= 1 && Math.abs(own.top - frame.scrollTop) <= 1) return;
    middle.current = {
      x: (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth,
      y: (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight,
    };
    align();
  };
  const frame = (/** @type {string} */ label, /** @type {any} */ picture) => html`
    <div class="photo-frame" tabindex="0" role="group" aria-label=${label} style=${{ aspectRatio: ratio }} onScroll=${scrolled}>
      <div class="photo-stack" style=${{ width: `${100 * zoom}%` }}>${picture}</div>
    </div>`;
  return html`
    <figure class=${mapped ? "heat-photo mapped" : "heat-photo"} ref=${figure}>
      ${frame(
        say("photo"),
        html`<img src=${url} alt=${say("photoAlt")}
          onLoad=${(/** @type {any} */ { target }) => setRatio(`${target.naturalWidth} / ${target.naturalHeight}`)} />`,
      )}
      <div class="looking">
        <label class="slider">${say("zoom")}
          <input type="range" min="1" max="5" step="0.5" value=${zoom} aria-valuetext=${`${zoom} ×`}
            onInput=${(/** @type {any} */ event) => setZoom(Number(event.target.value))} /></label>
        <button aria-pressed=${String(mapped)} onClick=${() => setMapped(!mapped)}>${say("heatMap")}</button>
      </div>
      ${mapped && frame(say("heatMap"), html`<${Mapped} url=${url} heat=${heat} />`)}
      ${mapped && html`<small>${say("heatMapText")}</small>`}
    </figure>`;
};
