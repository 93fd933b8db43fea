// @ts-check
// Charts: columns and lines over time. Each says in words what it shows, and a table stands beside it.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon } from "/console/components.js";
import { colon, sayNumber } from "/console/language.js";

/** One column, in the units of a drawing. */
const STEP = 10;
const WIDE = 8;
const HIGH = 100;
const ROUND = [1, 2, 3, 4, 5, 6, 8];

/** Parts of one column, from the bottom. @typedef {{name: string, value: number}[]} Column */
/** @typedef {{name: string, title: string, values: (number | null)[]}} Line */

/** @param {number[]} numbers */
export const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

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

/**
 * Columns over time. @param {{title: string, words: string, columns: Column[], from: string, to: string,
 *   most?: number, sayValue?: (value: number) => string, children?: unknown}} props `most` is where the scale ends at least
 */
export const Columns = ({ title, words, columns, from, to, most = 1, sayValue = sayNumber, children }) => {
  const end = endOfScale(Math.max(most, ...columns.map((column) => sum(column.map((part) => part.value)))));
  const drawn = columns.map((column, index) => {
    let top = HIGH;
    return column.map(({ name, value }) => {
      const height = (HIGH * value) / end;
      top -= height;
      return value > 0 && html`<rect class="fill-${name}" x=${STEP * index + 1} y=${top} width=${WIDE} height=${height} />`;
    });
  });
  return html`<${Chart} title=${title} words=${words} end=${sayValue(end)} width=${STEP * columns.length} from=${from} to=${to}
    drawn=${drawn}>${children}<//>`;
};

/** Which colour of the columns is which urgency, the lowest first; told by shape and words too. @param {{bands: [band: string, text: string][]}} props */
export const BandLegend = ({ bands }) => html`
  <p class="legend">${bands.map(([band, text]) => html`<span><span class="dot fill-${band}"></span><${Icon} name=${band} size=${16} />${text}</span>`)}</p>`;

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
