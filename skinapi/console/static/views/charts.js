// @ts-check
// Lines over time. A chart says in words what it shows, and a table stands beside it.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { colon, sayNumber } from "/console/language.js";

/** From one value to the next, in the units of a drawing. */
const STEP = 10;
const HIGH = 100;
const ROUND = [1, 2, 3, 4, 5, 6, 8];

/** @typedef {{name: string, title: string, values: (number | null)[]}} Line */

/** The end of a scale: a round number not below `most`. @param {number} most */
function endOfScale(most) {
  const unit = 10 ** Math.floor(Math.log10(most || 1));
  return unit * (ROUND.find((one) => one * unit >= most) ?? 10);
}

/** @param {number} width */
const gridOf = (width) => [0, HIGH / 2, HIGH].map((at) => html`<line class="grid" x1="0" x2=${width} y1=${at} y2=${at} />`);

/**
 * @param {{title: string, words: string, end: string, width: number, from: string, to: string, drawn: unknown, children?: unknown}} props
 * `end` is what the top of the scale is, `from` and `to` are the ends of the axis below
 */
const Chart = ({ title, words, end, width, from, to, drawn, children }) => html`
  <figure class="card chart">
    <figcaption><h2>${title}</h2><p>${words}</p>${children}</figcaption>
    <div class="plot">
      <small aria-hidden="true">${end}</small>
      <svg role="img" aria-label=${`${title}${colon()}${words}`} viewBox="0 0 ${width} ${HIGH}" preserveAspectRatio="none">
        ${gridOf(width)}${drawn}
      </svg>
    </div>
    <div class="axis" aria-hidden="true"><small>${from}</small><small>${to}</small></div>
  </figure>`;

/** A line for each run of known values: what is not known is a gap. @param {(number | null)[]} values @param {number} end */
function runsOf(values, end) {
  const at = (/** @type {number} */ value) => HIGH - (HIGH * Math.min(value, end)) / end;
  /** @type {string[][]} */
  const runs = [[]];
  values.forEach((value, index) => {
    if (value === null) runs.push([]);
    else runs[runs.length - 1].push(`${STEP * index},${at(value)}`);
  });
  // One value alone is as wide as a quarter of a step.
  return runs
    .filter((run) => run.length > 0)
    .map((run) => {
      const [x, y] = run[0].split(",").map(Number);
      return run.length > 1 ? run.join(" ") : `${x - STEP / 8},${y} ${x + STEP / 8},${y}`;
    });
}

/**
 * Lines over time; the second is dashed. @param {{title: string, words: string, lines: Line[], from: string, to: string,
 *   end?: number, sayValue?: (value: number) => string}} props `end` is the end of the scale
 */
export const Lines = ({ title, words, lines, from, to, end, sayValue = sayNumber }) => {
  const known = lines.flatMap(({ values }) => values).filter((value) => value !== null);
  const top = end ?? endOfScale(Math.max(0, ...known));
  const width = STEP * Math.max(1, Math.max(...lines.map(({ values }) => values.length)) - 1);
  const drawn = lines.map(({ name, values }) =>
    runsOf(values, top).map((points) => html`<polyline class="line line-${name}" points=${points} />`),
  );
  return html`<${Chart} title=${title} words=${words} end=${sayValue(top)} width=${width} from=${from} to=${to} drawn=${drawn}>
    ${lines.length > 1 && html`<p class="legend">${lines.map((line) => html`<span><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><line class="line line-${line.name}" x1="0" x2="24" y1="4" y2="4" /></svg>${line.title}</span>`)}</p>`}
  <//>`;
};
