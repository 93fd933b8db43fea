// @ts-check
// A figure from the front and the back: a click says where the spot is. The list beside it does too.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";

export const SITES = [
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

/** @param {{site: string, onSite: (site: string) => void}} props */
export const BodyMap = ({ site, onSite }) => html`
  <div class="body-map" aria-hidden="true">
    ${[
      ["front", FRONT],
      ["rear", BACK],
    ].map(
      ([side, parts]) => html`
        <figure>
          <svg viewBox="8 2 84 184" width="120">
            ${/** @type {[string, string][]} */ (parts).map(
              ([name, path]) => html`<path d=${path} class=${name === site ? "chosen" : ""}
                onClick=${() => onSite(name === site ? "" : name)}><title>${say(/** @type {any} */ (`site_${name}`))}</title></path>`,
            )}
          </svg>
          <figcaption>${say(/** @type {any} */ (`map_${side}`))}</figcaption>
        </figure>`,
    )}
  </div>`;
