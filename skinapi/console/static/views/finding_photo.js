// The photos of a finding, one at a time: zoom by slider, keys, wheel and pinch; the heat map on demand, over it.

import { html, useEffect, useLayoutEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, getFile } from "/console/api.js";
import { Answer, Message, Tabs, useAnswer, useKeys } from "/console/components.js";
import { HEAT_COLOURS } from "/console/heat_map_colours.js";
import { say, sayCount, sayDate } from "/console/language.js";
import { addressOfRecentPhoto } from "/console/views/drafts.js";

/** @typedef {Api["HeatView"]} Heat the heat of each cell, and the part of the photo that they cover */

const LARGEST = 5;
const STEP = 0.5;

/** @param {number} heat between 0 and 1 */
function heatColour(heat) {
  const place = Math.min(heat, 0.9999) * (HEAT_COLOURS.length - 1);
  const [low, high] = [HEAT_COLOURS[Math.floor(place)], HEAT_COLOURS[Math.floor(place) + 1]];
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

/** The heat map, over a photo of this size. @param {{size: number[], heat: Heat}} props */
const HeatMap = ({ size: [across, down], heat }) => {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    target.width = Math.min(across, 1200);
    target.height = Math.round((target.width * down) / across);
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
  }, [across, down, heat]);
  return html`<canvas ref=${canvas} role="img" aria-label=${say("heatMap")}></canvas>`;
};

/** Where a frame begins so that this place of the photo, a share, is in its middle. @param {number} place @param {number} whole @param {number} shown */
const startOf = (place, whole, shown) => Math.max(0, Math.min(whole - shown, place * whole - shown / 2));

/** @param {HTMLElement} frame @param {{x: number, y: number}} middle */
const scrollOf = (frame, { x, y }) => ({
  left: startOf(x, frame.scrollWidth, frame.clientWidth),
  top: startOf(y, frame.scrollHeight, frame.clientHeight),
});

/** How far two fingers are apart, and the place between them. @param {TouchList} touches */
function spanOf([one, other]) {
  const [across, down] = [one.clientX - other.clientX, one.clientY - other.clientY];
  return { apart: Math.hypot(across, down), x: other.clientX + across / 2, y: other.clientY + down / 2 };
}

/** Whether this fills the screen, and what changes that. @param {{current: HTMLElement | null}} figure */
function useFullScreen(figure) {
  const [full, setFull] = useState(false);
  useEffect(() => {
    let before = false;
    const changed = () => {
      const filled = document.fullscreenElement === figure.current;
      if (before && !filled) /** @type {HTMLElement | null} */ (figure.current?.querySelector(".photo-frame"))?.focus({ preventScroll: true });
      before = filled;
      setFull(filled);
    };
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  return { full, toggleFull: () => (full ? document.exitFullscreen() : figure.current?.requestFullscreen()) };
}

/** How large the photo is, and what of it is in sight; drawn anew where `drawn` changes.
 * @param {{current: HTMLElement | null}} figure @param {Heat} heat @param {unknown[]} drawn */
function useZoom(figure, { box: [left, top, right, bottom] }, drawn) {
  const [zoom, setZoom] = useState(1);
  // What one looks at: the middle of what the model looked at, until one has scrolled elsewhere.
  const middle = useRef({ x: (left + right) / 2, y: (top + bottom) / 2 });
  const align = () =>
    figure.current?.querySelectorAll(".photo-frame").forEach((frame) => frame.scrollTo(scrollOf(/** @type {HTMLElement} */ (frame), middle.current)));
  useLayoutEffect(align, [zoom, ...drawn]);
  // Of two steps before it is drawn again, the second one goes on from the first.
  const latest = useRef(zoom);
  /** @param {number} next @param {HTMLElement} [frame] @param {{x: number, y: number}} [at] what stays where it is */
  const zoomTo = (next, frame, at) => {
    const wanted = Math.max(1, Math.min(LARGEST, next));
    if (frame && at) {
      const { left, top } = frame.getBoundingClientRect();
      const more = wanted / latest.current;
      const keep = (/** @type {number} */ scrolled, /** @type {number} */ whole, /** @type {number} */ shown, /** @type {number} */ place) =>
        (scrolled + place) / whole + (shown / 2 - place) / whole / more;
      middle.current = {
        x: keep(frame.scrollLeft, frame.scrollWidth, frame.clientWidth, at.x - left),
        y: keep(frame.scrollTop, frame.scrollHeight, frame.clientHeight, at.y - top),
      };
    }
    latest.current = wanted;
    setZoom(wanted);
  };
  const scrolled = (/** @type {On<Event>} */ { currentTarget: frame }) => {
    const own = scrollOf(frame, middle.current);
    if (Math.abs(own.left - frame.scrollLeft) <= 1 && Math.abs(own.top - frame.scrollTop) <= 1) return;
    middle.current = {
      x: (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth,
      y: (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight,
    };
    align();
  };
  return { zoom, latest, zoomTo, scrolled };
}

/** A wheel, two fingers and a mouse that is held down. @param {ReturnType<typeof useZoom>} zooming */
function useHands({ latest, zoomTo }) {
  const fingers = useRef(0);
  /** A wheel, and a pinch on a touchpad. The whole photo lets the page scroll on. @param {On<WheelEvent>} event */
  const wheel = (event) => {
    if (event.deltaY > 0 && latest.current === 1 && !event.ctrlKey) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    zoomTo(latest.current * Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), event.currentTarget, { x: event.clientX, y: event.clientY });
  };
  /** One finger scrolls, as the browser does it. @param {On<TouchEvent>} event */
  const pinch = (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const span = spanOf(event.touches);
    if (event.type === "touchmove" && fingers.current) zoomTo((latest.current * span.apart) / fingers.current, event.currentTarget, span);
    fingers.current = span.apart;
  };
  /** The mouse moves the photo. @param {On<PointerEvent>} event */
  const drag = ({ buttons, pointerType, movementX, movementY, currentTarget: frame }) => {
    if (pointerType === "mouse" && buttons === 1) frame.scrollBy(-movementX, -movementY);
  };
  return { wheel, pinch, drag };
}

const HeatPhoto = (/** @type {{url: string, heat: Heat}} */ { url, heat }) => {
  const figure = useRef(/** @type {HTMLElement | null} */ (null));
  const [size, setSize] = useState(/** @type {number[] | null} */ (null));
  const [mapped, setMapped] = useState(false);
  const { full, toggleFull } = useFullScreen(figure);
  const zooming = useZoom(figure, heat, [size, full]);
  const { zoom, latest, zoomTo, scrolled } = zooming;
  const { wheel, pinch, drag } = useHands(zooming);
  const nearer = () => zoomTo(latest.current + STEP);
  const keys = {
    "+": nearer,
    "=": nearer, // the same key without Shift
    "-": () => zoomTo(latest.current - STEP),
    0: () => zoomTo(1),
    h: () => setMapped(!mapped),
    f: toggleFull,
  };
  useKeys(keys, { inFullScreen: true });
  // Preact knows the events of fingers by their names on every machine only if they are written in small letters.
  return html`
    <figure class="heat-photo" ref=${figure}>
      <div class="photo-frame" tabindex="0" role="group" aria-label=${say("photo")} style=${{ "--zoom": zoom, "--ratio": size?.join(" / ") }} onScroll=${scrolled}
        onWheel=${wheel} ontouchstart=${pinch} ontouchmove=${pinch} onPointerMove=${drag}>
        <div class="photo-stack">
          <img src=${url} alt=${say("photoAlt")} draggable=${false}
            onLoad=${(/** @type {{target: HTMLImageElement}} */ { target }) => setSize([target.naturalWidth, target.naturalHeight])} />
          ${mapped && size && html`<${HeatMap} size=${size} heat=${heat} />`}
        </div>
      </div>
      <div class="looking">
        <label class="slider">${say("zoom")}
          <input type="range" min="1" max=${LARGEST} step=${STEP} value=${zoom} aria-valuetext=${`${Math.round(10 * zoom) / 10} ×`}
            onInput=${(/** @type {FieldEvent} */ event) => zoomTo(Number(event.target.value))} /></label>
        <button aria-pressed=${String(mapped)} onClick=${() => setMapped(!mapped)}>${say("heatMap")}</button>
        ${document.fullscreenEnabled && html`<button aria-pressed=${String(full)} onClick=${toggleFull}>${say("fullScreen")}</button>`}
        <p class="keys"><small>${say("photoKeys")}</small></p>
      </div>
      ${mapped && html`<small>${say("heatMapText")}</small>`}
    </figure>`;
};

/** Which of several pictures the finding shows. @param {Api["FindingView"]} finding */
const placeShown = ({ pictures = [] }) => Math.max(0, pictures.findIndex((one) => one.shown));

/** The kept photo, the one that was just sent, or none. @param {Api["FindingView"]} finding @param {number} [place] */
export async function photoOf(finding, place = placeShown(finding)) {
  const sent = addressOfRecentPhoto(String(finding.id), place);
  if (sent) return sent;
  if (!finding.photo_kept) return null;
  const which = finding.pictures ? apiPath`?picture=${place + 1}` : "";
  return getFile(apiPath`/submissions/${finding.id}/photo` + which, "image/jpeg").catch((error) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
}

/** Forgets the photo when it is no longer shown. @param {string | null | undefined} photo */
export const useForgotten = (photo) =>
  useEffect(() => () => {
    if (photo?.startsWith("blob:")) URL.revokeObjectURL(photo);
  }, [photo]);

/** Until when the photo is kept, or until what happens. @param {{retention: Api["PhotoRetentionView"]}} props */
const KeptUntil = ({ retention: { days, until } }) => html`
  <p><small>${until ? say("photoKeptUntil", { date: sayDate(until, false) }) : say("photoKeptWhile", { days: sayCount("days", days) })}</small></p>`;

/** @param {{finding: Api["FindingView"], photo: string | null, heat: Api["HeatView"]}} props */
const Photo = ({ finding, photo, heat }) => {
  const { photo_retention: retention, photo_removed_at: removed, photo_lost_at: lost } = finding;
  if (!photo) return html`<${Message}>${lost ? say("photoLost") : removed ? say("photoRemoved", { date: sayDate(removed, false) }) : say("photoNotKept")}<//>`;
  return html`<${HeatPhoto} url=${photo} heat=${heat} />${retention && html`<${KeptUntil} retention=${retention} />`}`;
};

/** Another one than that which the finding shows. @param {{finding: Api["FindingView"], place: number}} props */
const OtherPhoto = ({ finding, place }) => {
  const answer = useAnswer(() => photoOf(finding, place), [finding, place]);
  useForgotten(answer.value);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {string | null} */ photo) => html`<${Photo} finding=${finding} photo=${photo} heat=${finding.pictures[place].heat} />`}
    <//>`;
};

/** `children` makes something of the picture that is shown, where there are several.
 * @param {{finding: Api["FindingView"], photo: string | null, heat: Api["HeatView"], children?: (picture: Api["PictureView"]) => unknown}} props */
export const FindingPhoto = ({ finding, photo, heat, children }) => {
  const shown = placeShown(finding);
  const [place, setPlace] = useState(shown);
  const { pictures } = finding;
  if (!pictures) return html`<${Photo} finding=${finding} photo=${photo} heat=${heat} />`;
  const tabs = pictures.map((_, at) => [String(at), say("pictureNumber", { number: at + 1 })]);
  return html`
    <${Tabs} label=${say("photosOfSpot")} tabs=${tabs} chosen=${String(place)} onChoose=${(/** @type {string} */ at) => setPlace(Number(at))} />
    ${children?.(pictures[place])}
    ${place === shown
      ? html`<${Photo} finding=${finding} photo=${photo} heat=${heat} />`
      : html`<${OtherPhoto} key=${place} finding=${finding} place=${place} />`}`;
};
