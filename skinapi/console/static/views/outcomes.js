// What the model had said, against the laboratory's results, and where the clinic stands at each operating point.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions, getSession } from "/console/api.js";
import { Load, Message } from "/console/components.js";
import { colon, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { Table } from "/console/lists.js";
import { labelOfBand } from "/console/views/finding.js";

/** With fewer results of a side, the clinic's own figures say little. */
const ENOUGH = 20;
const KINDS = ["dermoscopic", "clinical", "both"];
/** A share with its 95 % interval, of `n`. @typedef {Api["FigureView"]} Figure */
/** What an operating point did, with the model's test pictures or in the clinic. @typedef {{point: string, own: boolean, malignant_sent: Figure,
 *   benign_spared: Figure, benign_urgent: Figure, urgent_malignant: Figure}} Row */

/** The outcomes of each model version. @typedef {Api["OutcomesView"]["models"]} Models */

/** @param {{figure: Figure}} props */
const Share = ({ figure: { value, low, high, n } }) =>
  value === null || low === null || high === null
    ? say("outcomeTooFew")
    : html`<span><strong>${sayPercent(value)}</strong> <small>${sayPercent(low)} – ${sayPercent(high)}, ${say("outcomeOf", { n: sayNumber(n) })}</small></span>`;

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
const nameOfRow = ({ own, point }) => `${say(own ? "curveClinic" : "curveModel")}${colon()}${sayValue("point", point)}`;

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
  if (own && Math.min(own.malignant_sent.n, own.benign_spared.n) >= ENOUGH) return null;
  /** @param {Figure} [figure] */
  const missing = (figure) => sayNumber(Math.max(0, ENOUGH - (figure?.n ?? 0)));
  const values = { malignant: missing(own?.malignant_sent), benign: missing(own?.benign_spared), enough: sayNumber(ENOUGH) };
  return html`<p>${say("curveMissing", { ...values, point: sayValue("point", point) })}</p>`;
};

/** @param {{kind: string, rows: Row[], point: string, urgent: string}} props */
const OfKind = ({ kind, rows, point, urgent }) => {
  const title = sayValue("curve", kind);
  return html`
    <section class="card measured">
      <h3>${title}</h3>
      <${PointTable} title=${title} rows=${rows} urgent=${urgent} />
      <${Missing} rows=${rows} point=${point} />
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
const OperatingCurves = ({ models }) => html`
  <section>
    <h2>${say("curveTitle")}</h2>
    <${Load} ask=${() => Promise.all([get("/models/operating-point"), getConditions()])}>
      ${(/** @type {[Api["OperatingPointView"], Api["ConditionsView"]]} */ [point, conditions]) => html`<${Curves} answer=${point} models=${models}
        conditions=${conditions} />`}
    <//>
  </section>`;

const SHARES = /** @type {const} */ (["named_sensitivity", "named_specificity", "sent_sensitivity", "sent_specificity"]);

/** @param {{version: string, figures: Api["ModelOutcomes"]}} props */
const OfModel = ({ version, figures }) => html`
  <section class="card">
    <h2>${say("outcomesOfModel", { version })}</h2>
    <dl class="pairs">
      <dt>${say("outcomeResults")}</dt>
      <dd>${sayNumber(figures.results)} <small>${say("outcomeMalignant", { n: sayNumber(figures.malignant) })}</small></dd>
      ${SHARES.map((name) => html`<dt>${sayValue("outcome", name)}</dt><dd><${Share} figure=${figures[name]} /></dd>`)}
    </dl>
  </section>`;

export const View = () => html`
  <h1>${say("title_outcomes")}</h1>
  <p>${say("outcomesText")}</p>
  <${Load} ask=${() => get("/outcomes?months=24")}>
    ${(/** @type {Api["OutcomesView"]} */ { models }) => html`
      ${Object.keys(models).length === 0 && html`<p>${say("outcomesEmpty")}</p>`}
      <${OperatingCurves} models=${models} />
      ${Object.entries(models).map(([version, figures]) => html`<${OfModel} key=${version} version=${version} figures=${figures} />`)}`}
  <//>`;
