// What the model had said, against the laboratory's results, and where the clinic stands at each operating point.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Empty, Load } from "/console/components.js";
import { colon, say, sayCount, sayInterval, sayMeasured, sayNumber, sayValue } from "/console/language.js";
import { Table } from "/console/lists.js";
import { labelOfBand } from "/console/views/finding.js";

/** With fewer results, the clinic's own figures say little. */
const ENOUGH = 20;
const KINDS = ["dermoscopic", "clinical", "both"];
/** A share with its 95 % interval, of `n`. @typedef {Api["FigureView"]} Figure */
/** What an operating point did, with the model's test pictures or in the clinic. @typedef {{point: string, own: boolean, malignant_sent: Figure,
 *   benign_spared: Figure, benign_urgent: Figure, urgent_malignant: Figure}} Row */

/** @param {{figure: Figure}} props */
const Share = ({ figure: { value, low, high, n } }) =>
  value === null || low === null || high === null || n < ENOUGH
    ? say("outcomeTooFew", { n: sayNumber(n) })
    : html`<span><strong>${sayMeasured(value)}</strong> <small>${sayInterval(low, high)}, ${say("outcomeOf", { n: sayNumber(n) })}</small></span>`;

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
const nameOfRow = ({ own, point }) => `${say(own ? "curveClinic" : "curveModel")} (${sayValue("point", point)})`;

/** `urgent` is a doctor's word for the most urgent band. @param {{title: string, rows: Row[], urgent: string}} props */
const PointTable = ({ title, rows, urgent }) => html`
  <${Table} title=${title} rows=${rows} columns=${/** @type {Column<Row>[]} */ ([
    [say("curvePoint"), nameOfRow],
    [say("curveSent"), (row) => html`<${Share} figure=${row.malignant_sent} />`],
    [say("curveSpared"), (row) => html`<${Share} figure=${row.benign_spared} />`],
    [say("curveUrgent", { urgent }), (row) => html`<${Share} figure=${row.benign_urgent} />`],
    [say("curveWorth", { urgent }), (row) => html`<${Share} figure=${row.urgent_malignant} />`],
  ])} />`;

/** A kind of picture of which the clinic has enough results at the point in use. @param {{kind: string, rows: Row[], urgent: string}} props */
const OfKind = ({ kind, rows, urgent }) => html`
  <section class="card measured">
    <h2>${sayValue("curve", kind)}</h2>
    <${PointTable} title=${sayValue("curve", kind)} rows=${rows} urgent=${urgent} />
  </section>`;

/** @param {{answer: Api["OperatingPointView"], figures: Api["ModelOutcomes"], conditions: Api["ConditionsView"]}} props */
const AtPointInUse = ({ answer, figures, conditions }) => {
  const kinds = KINDS.map((kind) => ({ kind, rows: [...rowsOfClinic(figures.points, kind), ...rowsOfModel(answer, kind)].filter(({ point }) => point === answer.operating_point) }));
  const enough = kinds.filter(({ rows }) => rows.some(({ own, malignant_sent: sent, benign_spared: spared }) => own && Math.min(sent.n, spared.n) >= ENOUGH));
  return enough.length > 0 && html`
    ${enough.map(({ kind, rows }) => html`<${OfKind} key=${kind} kind=${kind} rows=${rows} urgent=${labelOfBand(conditions, "urgent_referral")} />`)}
    <p><small>${say("curveCaution")}</small></p>`;
};

const SHARES = /** @type {const} */ (["named_sensitivity", "named_specificity", "sent_sensitivity", "sent_specificity"]);

/** Below a number of results, their count alone. @param {{version: string, figures: Api["ModelOutcomes"]}} props */
const OfModel = ({ version, figures }) => html`
  <section class="card">
    <h2>${say("outcomesOfModel", { version })}</h2>
    <p>${sayCount("outcomeResults", figures.results)}${colon()}${say("outcomeMalignant", { n: sayNumber(figures.malignant) })}
      ${figures.results < ENOUGH && ` ${say("outcomeTooFewYet", { enough: sayNumber(ENOUGH) })}`}</p>
    ${figures.results >= ENOUGH && html`<dl class="pairs">
      ${SHARES.map((name) => html`<dt>${sayValue("outcome", name)}</dt><dd><${Share} figure=${figures[name]} /></dd>`)}
    </dl>`}
  </section>`;

export const View = () => html`
  <h1>${say("title_outcomes")}</h1>
  <${Load} ask=${() => Promise.all([get("/outcomes?months=24"), get("/models/operating-point"), getConditions()])}>
    ${(/** @type {[Api["OutcomesView"], Api["OperatingPointView"], Api["ConditionsView"]]} */ [{ models }, answer, conditions]) => {
      const rows = Object.entries(models);
      if (rows.length === 0) return html`<${Empty} title=${say("outcomesEmpty")}><p>${say("outcomesText")}</p><//>`;
      const inService = models[answer.model_version];
      return html`
        <p>${say("outcomesText")}</p>
        ${rows.map(([version, figures]) => html`<${OfModel} key=${version} version=${version} figures=${figures} />`)}
        ${inService && html`<${AtPointInUse} answer=${answer} figures=${inService} conditions=${conditions} />`}`;
    }}
  <//>`;
