// @ts-check
// Two model versions side by side: their figures, and the gates of the second against the first.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Empty, Load, Message, Select } from "/console/components.js";
import { colon, hasWords, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";
import { Gates } from "/console/views/gates.js";
import { nameOfKind } from "/console/views/model.js";
import { getModels } from "/console/views/models.js";
import { FoldedTable } from "/console/views/tables.js";

/** The figures of the operating points begin so. */
const SENT = "points.";
/** The only measure that is no share. */
const LOSS = "log_loss";
/** Of these, less is better. */
const LESS_IS_BETTER = new Set(["ece", "brier", "log_loss", "refused_share", "benign_told_urgent"]);

/** @typedef {Api["ComparedFigure"]} Figure */

/** `macro_auc`, or `per_class.mel.auc`: a table, a row of it and a measure. @param {string} name */
function partsOf(name) {
  const parts = name.split(".");
  return parts.length < 3 ? { table: "", row: "", measure: name } : { table: parts[0], row: parts.slice(1, -1).join("."), measure: parts[parts.length - 1] };
}

/** @param {Api["ConditionsView"]} conditions @param {string} table @param {string} row */
function nameOfRow(conditions, table, row) {
  if (row === "malignant") return say("malignantScore");
  if (table === "per_class") return nameOf(conditions, conditions.conditions.find((one) => one.names.explainable === row)?.key ?? row);
  if (table === "bands") return nameOf(conditions, row);
  if (table === "by_source") return sayValue("source", row);
  if (table === "points") {
    const [kind, point] = row.split(".");
    return `${nameOfKind(conditions, kind)} · ${sayValue("point", point)}`;
  }
  return row === "unknown" ? sayValue("kind", row) : nameOfKind(conditions, row);
}

/** @param {{figure: Figure, measure: string, which: "first" | "second"}} props */
const Value = ({ figure, measure, which }) => {
  const value = figure[which];
  const interval = figure[/** @type {"first_interval" | "second_interval"} */ (`${which}_interval`)];
  const show = (/** @type {number} */ one) => (measure === LOSS ? sayNumber(one, 3) : sayPercent(one));
  if (value === null) return "–";
  return html`<span class="figure">${show(value)}${interval && html` <small>${show(interval[0])} – ${show(interval[1])}</small>`}</span>`;
};

/** Whether no chance explains their difference. @param {Figure} figure */
const isProven = ({ difference, first_interval: first, second_interval: second }) =>
  difference !== null && Boolean(first && second && (first[1] < second[0] || second[1] < first[0]));

/** Better or worse, in words too. @param {{figure: Figure, measure: string}} props */
const Difference = ({ figure, measure }) => {
  const { difference } = figure;
  if (difference === null) return "–";
  const size = measure === LOSS ? sayNumber(Math.abs(difference), 3) : sayPercent(Math.abs(difference));
  if (Math.abs(difference) < 0.0005) return html`<span class="figure">±${size}</span>`;
  if (!isProven(figure)) return html`<span class="figure">${difference > 0 ? "+" : "−"}${size} <small>${say("noDifference")}</small></span>`;
  const better = difference > 0 !== LESS_IS_BETTER.has(measure);
  return html`<span class=${`figure ${better ? "better" : "worse"}`}>${difference > 0 ? "+" : "−"}${size}${" "}
    <small>${say(better ? "better" : "outcome_worse")}</small></span>`;
};

/** @typedef {{name: string, measure: string, figure: Figure}} Compared */

/** @param {string} first @param {string} second @param {boolean} comparable @returns {Column<Compared>[]} */
const columnsOf = (first, second, comparable) => [
  [say("measure"), ({ name }) => name],
  [first, (one) => html`<${Value} ...${one} which="first" />`, html`<code>${first}</code>`],
  [second, (one) => html`<${Value} ...${one} which="second" />`, html`<code>${second}</code>`],
  ...(comparable ? [/** @type {Column<Compared>} */ ([say("difference"), (one) => html`<${Difference} ...${one} />`])] : []),
];

/** The figures in tables: what is sent to a doctor first, then the overall ones and each table of the card. @param {Api["ConditionsView"]} conditions @param {Figure[]} figures */
function tablesOf(conditions, figures) {
  /** @type {Map<string, Compared[]>} */
  const tables = new Map();
  const sent = figures.filter(({ name }) => name.startsWith(SENT));
  for (const figure of [...sent, ...figures.filter(({ name }) => !name.startsWith(SENT))]) {
    const { table, row, measure } = partsOf(figure.name);
    if (!hasWords(`measure_${measure}`) || (figure.first === null && figure.second === null)) continue;
    const title = [say(/** @type {WordKey} */ (`table_${table || "overall"}`)), figure.part !== "test" && sayValue("source", figure.part)].filter(Boolean).join(" – ");
    const name = table ? `${nameOfRow(conditions, table, row)}${colon()}${sayValue("measure", measure)}` : sayValue("measure", measure);
    tables.set(title, [...(tables.get(title) ?? []), { name, measure, figure }]);
  }
  return [...tables];
}

/** What differs comes first, if anything does; all figures can be opened.
 * @param {{found: Api["Comparison"], first: string, second: string, conditions: Api["ConditionsView"]}} props */
const Figures = ({ found, first, second, conditions }) => {
  const [tables, columns] = [tablesOf(conditions, found.figures), columnsOf(first, second, found.same_test_part)];
  const differing = tables.flatMap(([title, rows]) => rows.filter(({ figure }) => isProven(figure)).map((row) => ({ ...row, name: `${title} · ${row.name}` })));
  return html`
    ${found.same_test_part && (differing.length > 0
      ? html`<${FoldedTable} title=${say("differing", { n: sayNumber(differing.length) })} rows=${differing} columns=${columns} open />`
      : html`<${Message}>${say("nothingDiffers")}<//>`)}
    ${tables.map(([title, rows], place) => html`
      <${FoldedTable} key=${title} title=${say("titleAndCount", { title, n: sayNumber(rows.length) })} rows=${rows} columns=${columns}
        open=${place === 0 && !found.same_test_part} />`)}`;
};

/** @param {{first: string, second: string, conditions: Api["ConditionsView"]}} props */
const Comparison = ({ first, second, conditions }) => {
  const query = new URLSearchParams({ first, second });
  return html`
    <${Load} ask=${() => get(`/models/compare?${query}`)}>
      ${(/** @type {Api["Comparison"]} */ found) => html`
        ${!found.same_test_part && html`<${Message}>${say("otherTestParts")}${found.gates.some(({ basis }) => basis === "paired") && ` ${say("gatesSamePictures")}`}<//>`}
        <section class="card"><h2>${say("gatesOfSecond", { second })}</h2><${Gates} gates=${found.gates} /></section>
        <${Figures} found=${found} first=${first} second=${second} conditions=${conditions} />`}
    <//>`;
};

/** @param {{models: Api["ModelSummaryView"][], conditions: Api["ConditionsView"], argument: string}} props */
const TwoModels = ({ models, conditions, argument }) => {
  const versions = models.map(({ version }) => version);
  const [first, setFirst] = useState(versions.find((one) => one !== argument) ?? "");
  const [second, setSecond] = useState(versions.includes(argument) ? argument : (versions.find((one) => one !== versions[0]) ?? ""));
  if (models.length < 2) return html`<${Empty} title=${say("oneModel")}><p>${say("oneModelText")}</p><//>`;
  const options = models.map(({ version, state }) => [version, `${version} (${sayValue("model", state)})`]);
  return html`
    <div class="card fields">
      <${Select} label=${say("firstModel")} name="first" options=${options} value=${first} onChoose=${setFirst} />
      <${Select} label=${say("secondModel")} name="second" options=${options} value=${second} onChoose=${setSecond} />
    </div>
    ${first === second
      ? html`<${Message}>${say("chooseTwo")}<//>`
      : html`<${Comparison} key=${`${first}/${second}`} first=${first} second=${second} conditions=${conditions} />`}`;
};

/** @param {{argument: string}} props the version to compare with the one in service, or nothing */
export const View = ({ argument }) => html`
  <h1>${say("title_compare")}</h1>
  <${Load} ask=${() => Promise.all([getModels(), getConditions()])}>
    ${(/** @type {[Api["ModelSummaryView"][], Api["ConditionsView"]]} */ [models, conditions]) => html`<${TwoModels} models=${models} conditions=${conditions} argument=${argument} />`}
  <//>`;
