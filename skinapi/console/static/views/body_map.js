// @ts-check
// A figure from the front and the back, with spots as points. What it shows and takes a list beside it
// does too: for screen readers and the keyboard it is not there.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";

/** `side`, `x` and `y` are a point of this drawing, in its units; all three or none.
 * @typedef {{site: string, side?: string | null, x?: number | null, y?: number | null}} Place */
/** A spot, or a place that is just chosen. `band` is that of its newest finding, "none" without one.
 * @typedef {{id: string, number: number, name: string, band: string, place: Place}} Point */

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

/** Where a spot is drawn of which only the site is known. @type {Record<string, [string, number, number]>} */
const MIDDLES = {
  scalp: ["front", 50, 10], face: ["front", 50, 25], ear: ["front", 38, 20], neck: ["front", 50, 38],
  chest: ["front", 50, 55], abdomen: ["front", 50, 84], back: ["rear", 50, 66], trunk: ["front", 50, 72],
  upper_extremity: ["front", 21, 76], hand: ["front", 17.5, 103], acral: ["front", 82.5, 103],
  lower_extremity: ["front", 43, 138], foot: ["front", 42, 178], genital: ["front", 50, 101],
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
  none: "M-5.5 -5.5 m2 0 h7 q2 0 2 2 v7 q0 2 -2 2 h-7 q-2 0 -2 -2 v-7 q0 -2 2 -2 Z",
};

const Shape = (/** @type {{point: Point}} */ { point }) => html`
  <path d=${SHAPES[/** @type {keyof typeof SHAPES} */ (point.band)] ?? SHAPES.none} />
  <text y=${point.band === "urgent_referral" ? 4.5 : 2.2} text-anchor="middle">${point.number}</text>`;

/** The point of a spot as it is drawn on the map, for its row in a list. @param {{point: Point}} props */
export const Marker = ({ point }) => html`
  <svg class=${`marker point band-${point.band}`} viewBox="-9 -9 18 18" width="32" height="32" aria-hidden="true">
    <${Shape} point=${point} /></svg>`;

/** Each point with where it is drawn. @param {Point[]} points */
function drawn(points) {
  /** @type {Record<string, number>} */
  const before = {};
  return points.map((point) => {
    const { site, side, x, y } = point.place;
    if (side != null && x != null && y != null) return { point, side, x, y };
    const nth = before[site] ?? 0;
    before[site] = nth + 1;
    const [where, left, top] = MIDDLES[site] ?? MIDDLES.trunk;
    const far = APART * Math.sqrt(nth);
    return { point, side: where, x: left + far * Math.cos(nth * TURN), y: top + far * Math.sin(nth * TURN) };
  });
}

/** @typedef {MouseEvent & {currentTarget: {ownerSVGElement: SVGSVGElement}}} Click on a shape of the drawing */

/** Where in the drawing something happened. @param {Click} event */
function pointOf(event) {
  const { left, top, width, height } = event.currentTarget.ownerSVGElement.getBoundingClientRect();
  const tenths = (/** @type {number} */ value) => Math.round(10 * value) / 10;
  const [x, y] = [8 + (84 * (event.clientX - left)) / width, 2 + (184 * (event.clientY - top)) / height];
  return { x: tenths(Math.min(92, Math.max(8, x))), y: tenths(Math.min(186, Math.max(2, y))) };
}

/**
 * `onPlace` makes it a question: where is it? `onPoint` is what a click on a point does, and `onDrop`
 * what dropping a finding on one does.
 * @param {{site?: string, points?: Point[], onPlace?: (place: Place) => void,
 *   onPoint?: (id: string) => void, onDrop?: (id: string) => void}} props
 */
export const BodyMap = ({ site = "", points = [], onPlace, onPoint, onDrop }) => html`
  <div class=${onPlace ? "body-map asking" : "body-map"} aria-hidden="true">
    ${[
      ["front", FRONT],
      ["rear", BACK],
    ].map(
      ([side, parts]) => html`
        <figure>
          <svg viewBox="8 2 84 184">
            ${/** @type {[string, string][]} */ (parts).map(
              ([name, path]) => html`<path d=${path} class=${name === site ? "chosen" : ""}
                onClick=${onPlace && ((/** @type {Click} */ event) => onPlace({ site: name, side: String(side), ...pointOf(event) }))}
                ><title>${say(/** @type {WordKey} */ (`site_${name}`))}</title></path>`,
            )}
            ${drawn(points).filter((one) => one.side === side).map(
              ({ point, x, y }) => html`<g class=${`point band-${point.band}`} transform=${`translate(${x} ${y})`}
                onClick=${onPoint && (() => onPoint(point.id))} ...${dropOn(onDrop, point.id)}>
                <title>${point.name}</title><${Shape} point=${point} /></g>`,
            )}
          </svg>
          <figcaption>${say(/** @type {WordKey} */ (`map_${side}`))}</figcaption>
        </figure>`,
    )}
  </div>`;

/** What makes something take a finding that is dropped on it. @param {((id: string) => void) | undefined} onDrop @param {string} id */
export const dropOn = (onDrop, id) =>
  onDrop && {
    onDragOver: (/** @type {Event} */ event) => event.preventDefault(),
    onDrop: (/** @type {Event} */ event) => {
      event.preventDefault();
      onDrop(id);
    },
  };

/**
 * The question where a spot is, on the figure and as a list.
 * @param {{place: Place, onPlace: (place: Place) => void}} props `site` is empty where it is not said
 */
export const AskPlace = ({ place, onPlace }) => html`
  <fieldset class="where">
    <legend>${say("bodySite")}</legend>
    <${BodyMap} site=${place.site} onPlace=${onPlace} points=${place.side ? [{ id: "", number: "", name: "", band: "none", place }] : []} />
    <select name="body_site" aria-label=${say("bodySite")} value=${place.site}
      onChange=${(/** @type {FieldEvent} */ event) => onPlace({ site: event.target.value })}>
      <option value="">${say("notSaid")}</option>
      ${SITES.map((one) => html`<option value=${one}>${say(/** @type {WordKey} */ (`site_${one}`))}</option>`)}
    </select>
  </fieldset>`;
