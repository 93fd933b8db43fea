// A figure from the front and the back, with spots as points. A tap sets the point of a spot, and shows
// its surroundings larger. The list beneath says the same to screen readers and the keyboard.

import { html, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { Chips, onValue } from "/console/components.js";
import { say, sayValue } from "/console/language.js";

/** Left and right are those of the person. `x` and `y` are a point of this drawing, in its units; both or none.
 * @typedef {{site: string, laterality?: Laterality | null, side?: string | null, x?: number | null, y?: number | null}} Place
 * @typedef {"left" | "middle" | "right"} Laterality */
/** A spot, or a place that is just chosen. `band` is that of its instruction, "none" without one, "chosen" while it is asked for.
 * @typedef {{id: string, number: number | string, name: string, band: string, place: Place}} Point */

const SITES = [
  "scalp", "face", "ear", "neck", "chest", "abdomen", "back", "trunk", "upper_extremity", "hand",
  "acral", "lower_extremity", "foot", "genital",
];

const ARMS = "M31 47 Q24 50 22 62 L15 96 L21 98 L29 68 Z M69 47 Q76 50 78 62 L85 96 L79 98 L71 68 Z";
const HANDS = "M14 98 h7 v9 q-3.5 5 -7 0 Z M79 98 h7 v9 q-3.5 5 -7 0 Z";
const LEGS = "M36 104 L39 172 L47 172 L49 108 Z M64 104 L61 172 L53 172 L51 108 Z";
const FEET = "M38 174 h9 v8 h-12 Z M53 174 h9 l3 8 h-12 Z";

/** @type {[string, string][]} */
const FRONT = [
  ["scalp", "M40 16 a10 11 0 0 1 20 0 Z"],
  ["face", "M40 17 h20 q0 15 -10 17 q-10 -2 -10 -17 Z"],
  ["ear", "M37 17 h2 v7 h-2 Z M61 17 h2 v7 h-2 Z"],
  ["neck", "M45 34 h10 v7 h-10 Z"],
  ["chest", "M33 44 q17 -6 34 0 l1 26 h-36 Z"],
  ["abdomen", "M32.5 71 h35 l-1 24 h-33 Z"],
  ["genital", "M38 96 h24 l-9 11 h-6 Z"],
  ["upper_extremity", ARMS],
  ["hand", HANDS],
  ["lower_extremity", LEGS],
  ["foot", FEET],
];
/** @type {[string, string][]} */
const BACK = [
  ["scalp", "M40 16 a10 11 0 0 1 20 0 q0 16 -10 18 q-10 -2 -10 -18 Z"],
  ["neck", "M45 34 h10 v7 h-10 Z"],
  ["back", "M33 44 q17 -6 34 0 l-1 51 h-32 Z"],
  ["upper_extremity", ARMS],
  ["hand", HANDS],
  ["lower_extremity", `${LEGS} M37 96 h26 l-8 11 h-10 Z`],
  ["foot", FEET],
];

/** By what one finds a place: eyes, nose, mouth, nipples, navel, knees; spine, shoulder blades, waist. @type {Record<string, string>} */
const MARKS = {
  front: "M45 21 h3 M52 21 h3 M50 22 v4 h1.5 M47.5 29 q2.5 1.5 5 0 M35 46 q8 1 13 -1 M65 46 q-8 1 -13 -1 M42 58 h.1 M58 58 h.1 M50 84 v1.5 M42 139 q2.5 2 5 0 M58 139 q-2.5 2 -5 0 M21 72 l5 1.5 M79 72 l-5 1.5",
  rear: "M50 44 v50 M40 50 q4 6 3 12 M60 50 q-4 6 -3 12 M36 84 q7 3 12 1 M64 84 q-7 3 -12 1 M42 140 h5 M58 140 h-5 M21 72 l5 1.5 M79 72 l-5 1.5",
};
/** @type {[string, [string, string][]][]} */
const SIDES = [["front", FRONT], ["rear", BACK]];
/** Of these there is one on the left and one on the right, and nothing between. */
const PAIRED = ["acral", "ear", "foot", "hand", "lower_extremity", "upper_extremity"];
export const TWO_SIDED = [...PAIRED, "neck", "scalp", "trunk"].filter((site) => site !== "ear");
/** Left, top, width and height of the drawing; as wide on both sides of the midline. */
const WHOLE = [8, 2, 84, 184];
const [MIDLINE, MIDDLE] = [50, 3];
const [NEAR_WIDTH, NEAR_HEIGHT] = [44, 46];

/** Where a spot without a point is drawn: the side that shows it, how far from the midline where it is not in the middle, and how far down. @type {Record<string, [string, number, number]>} */
const MIDDLES = {
  scalp: ["front", 6, 10], face: ["front", 6, 25], ear: ["front", 12, 20], neck: ["front", 4, 38],
  chest: ["front", 9, 55], abdomen: ["front", 9, 84], back: ["rear", 9, 66], trunk: ["front", 9, 72],
  upper_extremity: ["front", 29, 76], hand: ["front", 32.5, 103], acral: ["front", 32.5, 103],
  lower_extremity: ["front", 7, 138], foot: ["front", 8, 178], genital: ["front", 4, 101],
};
/** Spots of one middle lie around it, each so far from the one before (the golden angle). */
const TURN = Math.PI * (3 - Math.sqrt(5));
const APART = 4;

/** Each band has a shape of its own; the number stands within. */
const SHAPES = {
  urgent_referral: "M0 -8.5 L8 6 H-8 Z",
  referral: "M0 -8 L8 0 L0 8 L-8 0 Z",
  doctor_review: "M-6 -6 H6 V6 H-6 Z",
  routine: "M-6.2 0 a6.2 6.2 0 1 0 12.4 0 a6.2 6.2 0 1 0 -12.4 0 Z",
  self_monitoring: "M-3.6 -6.2 H3.6 L7.2 0 L3.6 6.2 H-3.6 L-7.2 0 Z",
  chosen: "M-5 0 a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0 Z M-.9 0 a.9 .9 0 1 0 1.8 0 a.9 .9 0 1 0 -1.8 0 Z",
  none: "M-5.5 -5.5 m2 0 h7 q2 0 2 2 v7 q0 2 -2 2 h-7 q-2 0 -2 -2 v-7 q0 -2 2 -2 Z",
};

const Shape = (/** @type {{point: Point}} */ { point }) => html`
  <path d=${SHAPES[/** @type {keyof typeof SHAPES} */ (point.band)] ?? SHAPES.none} />
  <text y=${point.band === "urgent_referral" ? 4.5 : 2.2} text-anchor="middle">${point.number}</text>`;

/** The point of a spot as it is drawn on the map, for its row in a list. @param {{point: Point}} props */
export const Marker = ({ point }) => html`
  <svg class=${`marker point band-${point.band}`} viewBox="-9 -9 18 18" width="32" height="32" aria-hidden="true">
    <${Shape} point=${point} /></svg>`;

/** On which side of the body a point is. @param {string} site @param {string} side @param {number} x @returns {Laterality} */
function lateralityAt(site, side, x) {
  if (!PAIRED.includes(site) && Math.abs(x - MIDLINE) <= MIDDLE) return "middle";
  return x < MIDLINE === (side === "rear") ? "left" : "right";
}

/** "left arm (front)": as exactly as it is known. @param {Place} place */
export function sayPlace({ site, laterality, side }) {
  const part = sayValue("site", site);
  const seen = side && TWO_SIDED.includes(site) ? say(/** @type {WordKey} */ (`seen_${side}`), { place: part }) : part;
  return laterality ? say(/** @type {WordKey} */ (`at_${laterality}`), { site: seen }) : seen;
}

/** Where a place is drawn: its point, or the middle of what is known. @param {Place} place @returns {{side: string, x: number, y: number}} */
function pointOf({ site, laterality, side, x, y }) {
  if (side && x != null && y != null) return { side, x, y };
  const [seen, far, top] = MIDDLES[site] ?? MIDDLES.trunk;
  const shown = side && TWO_SIDED.includes(site) ? side : seen;
  const off = laterality === "middle" || !(laterality || PAIRED.includes(site)) ? 0 : far;
  return { side: shown, x: (laterality === "left") === (shown === "rear") ? MIDLINE - off : MIDLINE + off, y: top };
}

/** The same place on another side of the body. @param {Place} place @param {{laterality?: Laterality, side?: string}} told @returns {Place} */
function moved(place, told) {
  const next = { ...place, ...told };
  if (place.x == null || place.y == null) return next;
  const far = Math.abs(place.x - MIDLINE) > MIDDLE ? Math.abs(place.x - MIDLINE) : MIDDLES[place.site][1];
  const off = next.laterality === "middle" ? 0 : (next.laterality === "left") === (next.side === "rear") ? -far : far;
  return { ...next, x: tenths(MIDLINE + off) };
}

const tenths = (/** @type {number} */ value) => Math.round(10 * value) / 10;
/** @param {number} value @param {number} least @param {number} most */
const within = (value, least, most) => Math.min(most, Math.max(least, value));

/** Each point with where it is drawn. @param {Point[]} points */
function drawn(points) {
  /** @type {Record<string, number>} */
  const before = {};
  return points.map((point) => {
    const at = pointOf(point.place);
    if (point.place.x != null) return { point, ...at };
    const key = Object.values(at).join(" ");
    const nth = before[key] ?? 0;
    before[key] = nth + 1;
    const far = APART * Math.sqrt(nth);
    return { point, ...at, x: at.x + far * Math.cos(nth * TURN), y: at.y + far * Math.sin(nth * TURN) };
  });
}

/** A finger that missed the body by so much meant it. */
const REACHES = [0, 1, 2, 3.5, 5, 7];

/** The place in a figure that is there, or nearest to it. @param {SVGSVGElement} svg @param {{x: number, y: number}} at @returns {Place | null} */
function placeAt(svg, at) {
  const parts = /** @type {SVGPathElement[]} */ ([...svg.querySelectorAll("path[data-site]")]).reverse(); // the last is drawn on top
  const side = svg.dataset.side ?? "";
  for (const far of REACHES) {
    for (let turn = 0; turn < 16; turn += 1) {
      const near = new DOMPoint(at.x + far * Math.cos((turn * Math.PI) / 8), at.y + far * Math.sin((turn * Math.PI) / 8));
      const site = parts.find((part) => part.isPointInFill(near))?.dataset.site;
      if (!site) continue;
      const [x, y] = [tenths(within(near.x, WHOLE[0], WHOLE[0] + WHOLE[2])), tenths(within(near.y, WHOLE[1], WHOLE[1] + WHOLE[3]))];
      return { site, laterality: lateralityAt(site, side, x), side, x, y };
    }
  }
  return null;
}

/** What is shown of the drawing. @param {{x: number, y: number} | null} near */
function viewBox(near) {
  const [left, top, width, height] = WHOLE;
  if (!near) return WHOLE.join(" ");
  const from = [within(near.x - NEAR_WIDTH / 2, left, left + width - NEAR_WIDTH), within(near.y - NEAR_HEIGHT / 2, top, top + height - NEAR_HEIGHT)];
  return [...from, NEAR_WIDTH, NEAR_HEIGHT].join(" ");
}

/** Whether a part of the drawing is the place that was chosen. @param {Place | undefined} place @param {string} site @param {string} side @param {string} path */
function isChosen(place, site, side, path) {
  if (place?.site !== site || (place.side && place.side !== side && TWO_SIDED.includes(site))) return false;
  if (!place.laterality || !PAIRED.includes(site)) return true;
  return lateralityAt(site, side, Number(/^M([\d.]+)/.exec(path)?.[1])) === place.laterality;
}

/** One side of the body, whole or `near` a point.
 * @param {{side: string, parts: [string, string][], near: {x: number, y: number} | null, place?: Place, points: Point[], onTap: (place: Place) => void,
 *   onPoint?: (id: string) => void}} props */
const Figure = ({ side, parts, near, place, points, onTap, onPoint }) => {
  /** @param {MouseEvent & {currentTarget: SVGSVGElement}} event */
  const tap = ({ currentTarget: svg, clientX, clientY }) => {
    const found = placeAt(svg, new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM()?.inverse()));
    if (found) onTap(found);
  };
  const ends = side === "front" ? ["right", "left"] : ["left", "right"];
  const [first, last] = ends.map((end) => html`<span>${sayValue("side", end)}</span>`);
  return html`
    <figure>
      <svg viewBox=${viewBox(near)} data-side=${side} onClick=${tap}>
        ${parts.flatMap(([site, path]) => path.split(/ (?=M)/).map((part) => html`
          <path d=${part} data-site=${site} class=${isChosen(place, site, side, part) ? "chosen" : ""}><title>${sayValue("site", site)}</title></path>`))}
        <path class="marks" d=${MARKS[side]} />
        ${drawn(points).filter((one) => one.side === side).map(({ point, x, y }) => html`
          <g class=${`point band-${point.band}${point.place.laterality ? "" : " unsure"}`} transform=${`translate(${x} ${y}) scale(${near ? 0.5 : 1})`}
            onClick=${onPoint && ((/** @type {Event} */ event) => {
              event.stopPropagation();
              onPoint(point.id);
            })}>
            <title>${point.name}</title><${Shape} point=${point} /></g>`)}
      </svg>
      <figcaption>${first}<strong>${sayValue("map", side)}</strong>${last}</figcaption>
    </figure>`;
};

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** `onPlace` makes it a question: where is it? `place` is the answer so far. `onPoint` is what a click on
 * a point does. A tap beside the points shows the surroundings larger.
 * @param {{place?: Place, points?: Point[], onPlace?: (place: Place) => void,
 *   onPoint?: (id: string) => void}} props */
export const BodyMap = ({ place, points = [], onPlace, onPoint }) => {
  const [near, setNear] = useState(/** @type {{side: string, x: number, y: number} | null} */ (null));
  const map = useRef(/** @type {HTMLElement | null} */ (null));
  const tap = (/** @type {Place} */ found) => {
    if (!near) setNear(pointOf(found));
    onPlace?.(found);
  };
  const point = () => {
    setNear(pointOf(/** @type {Place} */ (place)));
    setTimeout(() => map.current?.focus()); // there once it has been drawn
  };
  const step = (/** @type {KeyboardEvent} */ event) => {
    const [right, down] = STEPS[event.key] ?? [0, 0];
    const svg = map.current?.querySelector("svg");
    if (!svg || !place || !onPlace || !STEPS[event.key]) return;
    event.preventDefault();
    const [from, far] = [pointOf(place), event.shiftKey ? 3 : 0.5];
    const found = placeAt(svg, { x: from.x + far * right, y: from.y + far * down });
    if (!found) return;
    onPlace(found);
    setNear(pointOf(found));
  };
  const keyed = near && onPlace ? { role: "group", tabindex: "0", "aria-label": say("pointKeys"), onKeyDown: step } : { "aria-hidden": "true" };
  const at = onPlace && place?.site ? pointOf(place) : near;
  const away = near && at && (at.side !== near.side || Math.abs(at.x - near.x) > NEAR_WIDTH / 2 || Math.abs(at.y - near.y) > NEAR_HEIGHT / 2);
  const shown = away ? at : near;
  return html`
    <div class=${`body-map${onPlace ? " asking" : ""}${near ? " near" : ""}`} ref=${map} ...${keyed}>
      ${SIDES.filter(([side]) => !shown || side === shown.side).map(([side, parts]) => html`
        <${Figure} key=${side} side=${side} parts=${parts} near=${shown} place=${place}
          points=${points} onTap=${tap} onPoint=${onPoint} />`)}
    </div>
    ${near
      ? html`<p class="map-tools"><button type="button" class="quiet" onClick=${() => setNear(null)}>${say("wholeBody")}</button></p>`
      : onPlace && place?.site && html`<p class="map-tools"><button type="button" class="quiet" onClick=${point}>${say("exactPlace")}</button></p>`}`;
};

/** Where one spot is, on the figure that shows it; larger beside it, unless its side is not known. @param {{place: Place, band?: string}} props */
export const PlaceMap = ({ place, band = "chosen" }) => {
  const at = pointOf(place);
  const points = [{ id: "", number: "", name: sayPlace(place), band, place }];
  const parts = at.side === "front" ? FRONT : BACK;
  return html`
    <div class="body-map placed" aria-hidden="true">
      ${(place.laterality ? [null, at] : [null]).map((near) => html`<${Figure} side=${at.side} parts=${parts} near=${near} place=${place} points=${points} onTap=${() => {}} />`)}
    </div>`;
};

/** The sides of the body that a spot at this site can be on. @param {string} site @returns {Laterality[]} */
export const lateralitiesOf = (site) => (PAIRED.includes(site) ? ["left", "right"] : ["left", "middle", "right"]);

/** The question where a spot is, on the figure and as a list. Left or right is asked as soon as there is a
 * site. The names of the fields are those that a photo is sent with.
 * @param {{place: Place, onPlace: (place: Place) => void}} props `site` is empty where it is not said */
export const AskPlace = ({ place, onPlace }) => html`
  <fieldset class="where">
    <legend>${say("bodySite")}</legend>
    <small>${say("tapPlace")}</small>
    <${BodyMap} place=${place} onPlace=${onPlace} points=${place.x != null ? [{ id: "", number: "", name: "", band: "chosen", place }] : []} />
    <select name="body_site" aria-label=${say("bodySite")} value=${place.site}
      onChange=${onValue((site) => onPlace({ site }))}>
      <option value="">${say("notSaid")}</option>
      ${SITES.map((one) => html`<option value=${one}>${sayValue("site", one)}</option>`)}
    </select>
    ${place.site && html`<${Chips} name="body_laterality" title=${say("whichSide")} 
      options=${lateralitiesOf(place.site).map((one) => [one, sayValue("side", one)])}
      chosen=${place.laterality} onChoose=${(/** @type {Laterality} */ laterality) => onPlace(moved(place, { laterality }))} />`}
    ${TWO_SIDED.includes(place.site) && html`<${Chips} name="body_side" title=${say("frontOrBack")}
      options=${SIDES.map(([side]) => [side, sayValue("map", side)])}
      chosen=${place.side} onChoose=${(/** @type {string} */ side) => onPlace(moved(place, { side }))} />`}
    <p role="status"><strong>${place.site && sayPlace(place)}</strong>${place.x != null && ` · ${say("pointSet")}`}</p>
  </fieldset>`;
