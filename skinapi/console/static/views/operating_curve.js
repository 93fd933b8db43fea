// @ts-check
// Where the clinic stands on the curve of its model: of the malignant lesions how many are sent to a
// doctor, and of the benign ones how many are spared that.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions, getSession } from "/console/api.js";
import { Load, Message } from "/console/components.js";
import { colon, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { labelOfBand } from "/console/views/finding.js";
import { Table } from "/console/views/tables.js";

/** With fewer results of a side, the clinic's own place is not drawn. */
const ENOUGH = 20;
const KINDS = ["dermoscopic", "clinical", "both"];
/** The drawing, and the plot in it, in the units of its view box. */
const WIDTH = 320;
const HEIGHT = 216;
const PLOT = { left: 30, right: 308, top: 12, bottom: 172 };
/** Half the size of a mark. */
const MARK = 5;

/** A share with its 95 % interval, of `n`. @typedef {Api["FigureView"]} Figure */
/** What an operating point did, with the model's test pictures or in the clinic. @typedef {{point: string, own: boolean, malignant_sent: Figure,
 *   benign_spared: Figure, benign_urgent: Figure, urgent_malignant: Figure}} Row */

/** The outcomes of each model version. @typedef {Api["OutcomesView"]["models"]} Models */

/** @param {{figure: Figure, show?: (value: number) => string}} props */
export const Share = ({ figure: { value, low, high, n }, show = sayPercent }) =>
  value === null || low === null || high === null
    ? say("outcomeTooFew")
    : html`<span><strong>${show(value)}</strong> <small>${show(low)} – ${show(high)}, ${say("outcomeOf", { n: sayNumber(n) })}</small></span>`;

/** @param {Api["Share"] | null} share @param {number} n @returns {Figure} */
const figureOf = (share, n) => ({ value: share?.share ?? null, low: share?.low ?? null, high: share?.high ?? null, n });

/** Those of the model's test part. @param {Api["OperatingPointView"]} answer @param {string} kind @returns {Row[]} */
const rowsOfModel = (answer, kind) =>
  answer.points.flatMap(({ point, kinds }) =>
    kinds
      .filter((one) => one.modality === kind)
      .map((one) => ({
        point,
        own: false,
        malignant_sent: figureOf(one.malignant_sent_share, one.malignant),
        benign_spared: figureOf(one.benign_spared_share, one.benign),
        benign_urgent: figureOf(one.benign_urgent_share, one.benign),
        urgent_malignant: figureOf(one.urgent_malignant_share, one.malignant_urgent + one.benign_urgent),
      })),
  );

/** @param {Api["FiguresAtPoint"][]} figures @param {string} kind @returns {Row[]} */
const rowsOfClinic = (figures, kind) =>
  figures.filter(({ pictures }) => pictures === kind).map((one) => ({ ...one, point: one.operating_point, own: true }));

/** @param {Row} row */
const isPlace = ({ own, malignant_sent, benign_spared }) =>
  malignant_sent.n >= (own ? ENOUGH : 1) && benign_spared.n >= (own ? ENOUGH : 1);

/** @param {Row} row */
const nameOfRow = ({ own, point }) => `${say(own ? "curveClinic" : "curveModel")}${colon()}${sayValue("point", point)}`;

/** The sign of an operating point: full for the model, hollow for the clinic. @param {{row: Pick<Row, "point" | "own">, x: number, y: number}} props */
const Mark = ({ row: { point, own }, x, y }) => {
  const name = own ? "mark own" : "mark";
  if (point === "cautious") return html`<circle class=${name} cx=${x} cy=${y} r=${MARK} />`;
  if (point === "standard") return html`<rect class=${name} x=${x - MARK} y=${y - MARK} width=${2 * MARK} height=${2 * MARK} />`;
  return html`<path class=${name} d=${`M${x} ${y - MARK - 1}L${x + MARK + 1} ${y + MARK}H${x - MARK - 1}Z`} />`;
};

/** @param {{title: string, rows: Row[]}} props */
const Plot = ({ title, rows }) => {
  const lowest = Math.min(...rows.map(({ own, malignant_sent }) => (own ? malignant_sent.low : malignant_sent.value) ?? 1));
  const floor = Math.min(0.8, Math.floor(10 * lowest) / 10);
  const across = (/** @type {number | null} */ share) => PLOT.left + (share ?? 0) * (PLOT.right - PLOT.left);
  const down = (/** @type {number | null} */ share) => PLOT.bottom - (((share ?? 0) - floor) / (1 - floor)) * (PLOT.bottom - PLOT.top);
  const places = rows.map((row) => ({ row, x: across(row.benign_spared.value), y: down(row.malignant_sent.value) }));
  const model = places.filter(({ row }) => !row.own);
  return html`
    <svg class="curve" role="img" aria-label=${`${title}${colon()}${say("curveAlt")}`} viewBox="0 0 ${WIDTH} ${HEIGHT}">
      ${[floor, (floor + 1) / 2, 1].map((share) => html`<line class="grid" x1=${PLOT.left} x2=${PLOT.right} y1=${down(share)} y2=${down(share)} />
        <text x=${PLOT.left - 5} y=${down(share) + 4} text-anchor="end">${sayNumber(100 * share)}</text>`)}
      ${[0, 0.25, 0.5, 0.75, 1].map((share) => html`<line class="grid" x1=${across(share)} x2=${across(share)} y1=${PLOT.top} y2=${PLOT.bottom} />
        <text x=${across(share)} y=${PLOT.bottom + 15} text-anchor="middle">${sayNumber(100 * share)}</text>`)}
      <text x=${(PLOT.left + PLOT.right) / 2} y=${HEIGHT - 6} text-anchor="middle">${say("curveAcross")}</text>
      <polyline class="line line-training" points=${model.map(({ x, y }) => `${x},${y}`).join(" ")} />
      ${places.map(({ row, x, y }) => html`${row.own &&
        html`<line class="line line-own" x1=${across(row.benign_spared.low)} x2=${across(row.benign_spared.high)} y1=${y} y2=${y} />
          <line class="line line-own" x1=${x} x2=${x} y1=${down(row.malignant_sent.low)} y2=${down(row.malignant_sent.high)} />`}
        <${Mark} row=${row} x=${x} y=${y} />`)}
    </svg>`;
};

/** @param {{rows: Row[]}} props */
const Legend = ({ rows }) => html`
  <p class="legend">
    ${rows.map(
      (row) => html`<span><svg class="sign" viewBox="0 0 16 16" aria-hidden="true"><${Mark} row=${row} x=${8} y=${8} /></svg>${nameOfRow(row)}</span>`,
    )}
  </p>`;

/** `urgent` is a doctor's word for the most urgent band. @param {{title: string, rows: Row[], urgent: string}} props */
const PointTable = ({ title, rows, urgent }) => html`
  <${Table} title=${title} rows=${rows} columns=${/** @type {Column<Row>[]} */ ([
    [say("curvePoint"), nameOfRow],
    [say("curveSent"), (row) => html`<${Share} figure=${row.malignant_sent} />`],
    [say("curveSpared"), (row) => html`<${Share} figure=${row.benign_spared} />`],
    [say("curveUrgent", { urgent }), (row) => html`<${Share} figure=${row.benign_urgent} />`],
    [say("curveWorth", { urgent }), (row) => html`<${Share} figure=${row.urgent_malignant} />`],
  ])} />`;

/** What the clinic's place at the point in use still needs. @param {{rows: Row[], point: string}} props */
const Missing = ({ rows, point }) => {
  const own = rows.find((row) => row.own && row.point === point);
  if (own && isPlace(own)) return null;
  /** @param {Figure} [figure] */
  const missing = (figure) => sayNumber(Math.max(0, ENOUGH - (figure?.n ?? 0)));
  const values = { malignant: missing(own?.malignant_sent), benign: missing(own?.benign_spared), enough: sayNumber(ENOUGH) };
  return html`<p>${say("curveMissing", { ...values, point: sayValue("point", point) })}</p>`;
};

/** @param {{kind: string, rows: Row[], point: string, urgent: string}} props */
const OfKind = ({ kind, rows, point, urgent }) => {
  const title = sayValue("curve", kind);
  const places = rows.filter(isPlace);
  const drawn = places.some(({ own }) => !own);
  return html`
    <section class="card measured">
      <h3>${title}</h3>
      ${drawn && html`<div><p class="axis-name"><small>${say("curveUp")}</small></p><${Plot} title=${title} rows=${places} /><${Legend} rows=${places} />
        <${Missing} rows=${rows} point=${point} /></div>`}
      <${PointTable} title=${title} rows=${rows} urgent=${urgent} />
    </section>`;
};

/** @param {{answer: Api["OperatingPointView"], models: Models, conditions: Api["ConditionsView"]}} props */
const Curves = ({ answer, models, conditions }) => {
  if (!answer.has_points) return html`<${Message}>${say("curveNone", { version: answer.model_version })}<//>`;
  const figures = models[answer.model_version]?.points ?? [];
  const kinds = KINDS.map((kind) => ({ kind, rows: [...rowsOfClinic(figures, kind), ...rowsOfModel(answer, kind)] }));
  return html`
    <div class="row between">
      <strong>${say("curveInUse", { point: sayValue("point", answer.operating_point) })}</strong>
      ${getSession()?.role === "admin" && html`<a class="button" href="#/triage">${say("curveChoose")}</a>`}
    </div>
    <p>${say("curveText")}</p>
    <div>
      ${kinds.filter(({ rows }) => rows.length > 0).map(({ kind, rows }) => html`
        <${OfKind} key=${kind} kind=${kind} rows=${rows} point=${answer.operating_point} urgent=${labelOfBand(conditions, "urgent_referral")} />`)}
    </div>
    <p><small>${say("curveCaution")}</small></p>`;
};

/** @param {{models: Models}} props the outcomes of each model version */
export const OperatingCurves = ({ models }) => html`
  <section>
    <h2>${say("curveTitle")}</h2>
    <${Load} ask=${() => Promise.all([get("/models/operating-point"), getConditions()])}>
      ${(/** @type {[Api["OperatingPointView"], Api["ConditionsView"]]} */ [point, conditions]) => html`<${Curves} answer=${point} models=${models}
        conditions=${conditions} />`}
    <//>
  </section>`;
