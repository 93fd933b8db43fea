// The model card as a page that people can read: what the model is for, its limits and its figures.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions, getSession } from "/console/api.js";
import { Load } from "/console/components.js";
import { colon, getLanguage, said, say, sayInterval, sayMeasured, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { Table } from "/console/lists.js";
import { nameOf } from "/console/views/finding.js";
import { FEWEST_LESIONS, sayTooFew } from "/console/views/figures.js";

/** What an operating point does: each share, and the count that it is of. */
const AT_A_POINT = new Map([
  ["caught", "malignant"], ["benign_below", "benign"], ["benign_told_urgent", "benign"],
  ["melanomas_told_urgent", "melanomas"], ["urgent_right", "urgent"],
]);

/** With fewer malignant lesions of a clinic, how many were missed there is hardly known. */
const FEWEST_ELSEWHERE = 100;

/** A measure, where it is known. @param {Measures} figures @param {string} key */
const numberOf = (figures, key) => (typeof figures[key] === "number" ? figures[key] : undefined);

/** Its interval, where that says something: a width of nil comes of too few pictures. @param {Measures} figures @param {string} key */
const intervalOf = (figures, key) => {
  const interval = /** @type {number[] | undefined} */ (figures[`${key}_interval`]);
  return interval && interval[1] > interval[0] ? interval : undefined;
};

/** Where the bars of a measure begin: chance, of an AUC. @param {string} measure */
const startOf = (measure) => (measure.endsWith("auc") ? 0.5 : 0);

/** A figure with its interval as a bar: the value is its length, the interval the line across its end.
 * `from` is where the scale begins. @param {{value: number, interval?: number[], from?: number}} props */
const Bar = ({ value, interval, from = 0 }) => {
  const place = (/** @type {number} */ at) => `${(100 * Math.max(0, at - from)) / (1 - from)}%`;
  const [low, high] = interval ?? [value, value];
  return html`
    <span class="figure-bar" aria-hidden="true">
      <span class="value" style=${{ width: place(value) }}></span>
      ${interval && html`<span class="interval" style=${{ left: place(low), right: `calc(100% - ${place(high)})` }}></span>`}
    </span>`;
};

/** A part of a test. @typedef {{name: string, figures: Measures}} Part */

/** A measure of each part, and as a bar; `among` names the count that it is a share of. @param {string} key @param {string} title @param {string} [among]
 * @returns {Column<Part>} */
const measureOf = (key, title, among) => [title, ({ figures }) => {
  const [value, interval, all] = [numberOf(figures, key), intervalOf(figures, key), among && numberOf(figures, among)];
  if (value === undefined) return "–";
  return html`<span><span class="figure">${sayMeasured(value)}${interval && html` <small>${sayInterval(interval[0], interval[1])}</small>`}</span>
      ${typeof all === "number" && html` <small class="figure">${say("outcomeOf", { n: sayNumber(all) })}</small>`}</span>
    <${Bar} value=${value} interval=${interval} from=${startOf(key)} />`;
}];

/** @param {string} title @returns {Column<Part>} */
const named = (title) => [title, ({ name }) => name];

/** How many lesions a part holds. @returns {Column<Part>} */
const counted = () => [say("lesions"), ({ figures: { n } }) => (n === undefined ? "–" : sayNumber(n))];

/** A sentence about a share, with its interval and as a bar. @param {{text: string, share: number, interval?: number[]}} props */
const Claim = ({ text, share, interval }) => html`
  <div class="claim"><p>${text}${interval && html` <small>${say("interval")}${colon()}${sayInterval(interval[0], interval[1])}</small>`}</p>
    <${Bar} value=${share} interval=${interval} /></div>`;

/** @param {Api["ConditionsView"]} conditions @param {string} kind @param {"one" | "many"} [count] */
export const nameOfKind = (conditions, kind, count = "many") => said(conditions.notices.kinds[kind]?.[count]) || kind;

/** The API's sentence on what was sent to a doctor, for each kind of picture.
 * @param {{caught?: TestedOn["malignant_caught"], conditions: Api["ConditionsView"]}} props */
const Caught = ({ caught: kinds = {}, conditions }) =>
  Object.entries(kinds).map(([kind, { lesions, malignant, caught, caught_interval: interval }]) => {
    /** @type {Record<string, string>} */
    const values = { lesions: sayNumber(lesions), kinds: nameOfKind(conditions, kind), malignant: sayNumber(malignant), sensitivity: sayMeasured(caught) };
    const text = said(conditions.notices.tested).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
    return html`<${Claim} text=${text} share=${caught} interval=${interval} />`;
  });

/** What each operating point does, for each kind of picture; and the same for each source.
 * @param {{points: NonNullable<TestedOn["points"]>, conditions: Api["ConditionsView"]}} props */
const Points = ({ points, conditions }) => {
  const [first] = Object.values(points);
  const columns = [named(say("kindOfPicture")), ...[...AT_A_POINT].map(([key, among]) => measureOf(key, sayValue("measure", key), among))];
  /** @param {string} kind @param {string} [source] */
  const rowsOf = (kind, source) =>
    Object.entries(points).map(([point, of]) => {
      const names = [nameOfKind(conditions, kind), source && sayValue("source", source), sayValue("point", point)];
      return { name: names.filter(Boolean).join(" · "), figures: (source ? of[kind]?.by_source?.[source] : of[kind]) ?? {} };
    });
  const bySource = Object.entries(first).flatMap(([kind, of]) => Object.keys(of.by_source ?? {}).flatMap((source) => rowsOf(kind, source)));
  return html`
    <p>${say("pointsText")}</p>
    <${Table} title=${say("table_points")} rows=${Object.keys(first).flatMap((kind) => rowsOf(kind))} columns=${columns} />
    <details class="claim"><summary>${say("table_by_source")}</summary><${Table} title=${say("table_by_source")} rows=${bySource}
      columns=${columns} /></details>`;
};

const MEASURES = /** @type {const} */ ([
  ["macro_auc", "measure_macro_auc", "macroAucText"],
  ["named_balanced_accuracy", "measure_named_balanced_accuracy", "namedAccuracyText"],
  ["stated_balanced_accuracy", "measure_stated_balanced_accuracy", "toldAccuracyText"],
]);

/** @param {{figures: Measures, uncertain?: number}} props the figures with one picture of each lesion */
const Overall = ({ figures, uncertain }) => {
  const rows = MEASURES.flatMap(([key, title, text]) => {
    const value = numberOf(figures, key);
    return value === undefined ? [] : [{ key, title, text, value, interval: intervalOf(figures, key) }];
  });
  return html`
    <${Table} title=${say("modelFigures")} rows=${rows} columns=${/** @type {Column<typeof rows[number]>[]} */ ([
      [say("measure"), ({ title, text }) => html`${say(title)}<small>${say(text)}</small>`],
      [say("value"), ({ key, value, interval }) => html`<span class="figure">${sayMeasured(value)}</span> <${Bar} value=${value} interval=${interval}
        from=${startOf(key)} />`],
      [say("interval"), ({ interval }) => (interval ? sayInterval(interval[0], interval[1]) : "–")],
    ])} />
    ${uncertain !== undefined && html`<p>${say("uncertainShare", { share: sayPercent(uncertain) })}</p>`}`;
};

/** What the one answer alone says of the class that matters most.
 * @param {{classes: NonNullable<TestedOn["per_class"]>, conditions: Api["ConditionsView"]}} props */
const Melanoma = ({ classes, conditions }) => {
  const melanoma = Object.values(classes).find((one) => one.condition === "melanoma") ?? {};
  const name = melanoma.named_sensitivity === undefined ? "sensitivity" : "named_sensitivity";
  const [share, interval] = [numberOf(melanoma, name), /** @type {number[] | undefined} */ (melanoma[`${name}_interval`])];
  if (share === undefined) return null;
  const text = say("namedOf", { name: nameOf(conditions, "melanoma"), n: sayNumber(melanoma.n ?? 0), share: sayMeasured(share) });
  return html`<${Claim} text=${text} share=${share} interval=${interval} />`;
};

/** A part of the page that is rarely read. @param {{title: string, children?: unknown}} props */
const Folded = ({ title, children }) => html`<details class="card"><summary><strong>${title}</strong></summary>${children}</details>`;

/** A part of the page, which can be folded. @param {{title: string, folded: boolean, children?: unknown}} props */
const Section = ({ title, folded, children }) =>
  folded
    ? html`<${Folded} title=${title}>${children}<//>`
    : html`<section class="card"><h2>${title}</h2>${children}</section>`;

/** @param {{card: ModelCard, conditions: Api["ConditionsView"]}} props */
export const TestFigures = ({ card, conditions }) => {
  const all = card.figures?.test;
  if (typeof all?.n !== "number") return html`<p>${say("noFigures")}</p>`;
  const figures = all.one_per_lesion ?? all;
  if (figures.lesions < FEWEST_LESIONS)
    return html`<section class="card"><h2>${say("modelFigures")}</h2><p>${sayTooFew(figures.lesions)}</p></section>`;
  const { per_class: byClass = {}, by_modality: byKind = {}, by_source: bySource = {} } = figures;
  const sensitivity = Object.values(byClass).some((one) => "named_sensitivity" in one) ? "named_sensitivity" : "sensitivity";
  const classes = Object.entries(byClass).map(([key, one]) => ({ name: nameOf(conditions, one.condition ?? key), figures: one }));
  const parts = [
    ...Object.entries(byKind).map(([key, one]) => ({ name: nameOfKind(conditions, key), figures: one })),
    ...Object.entries(bySource).map(([key, one]) => ({ name: sayValue("source", key), figures: one })),
  ];
  return html`
    <section class="card">
      <h2>${say("modelFigures")}</h2>
      <p>${say(figures === all ? "testedOn" : "testedOnLesions", { n: sayNumber(figures.n ?? 0) })} ${say("barsText")}</p>
      <h3>${say("table_malignant_caught")}</h3>
      ${Object.keys(all.points ?? {}).length > 0
        ? html`<${Points} points=${all.points} conditions=${conditions} />`
        : html`<${Caught} caught=${all.malignant_caught} conditions=${conditions} />`}
      <h3>${say("oneAnswer")}</h3>
      <${Melanoma} classes=${byClass} conditions=${conditions} />
      <${Overall} figures=${figures} uncertain=${all.gates?.uncertain} />
    </section>
    ${classes.length > 0 && html`<${Folded} title=${say("table_per_class")}><p>${say("byClassText")}</p>
      <${Table} title=${say("table_per_class")} rows=${classes} columns=${[
        named(say("class")), counted(), measureOf(sensitivity, say("measure_sensitivity")),
        measureOf("specificity", say("measure_specificity")), measureOf("auc", "AUC"),
      ]} /><//>`}
    ${parts.length > 0 && html`<${Folded} title=${say("bySource")}><p>${say("bySourceText")}</p>
      <${Table} title=${say("bySource")} rows=${parts} columns=${[
        named(say("source")), counted(), measureOf("macro_auc", say("measure_macro_auc")), measureOf("named_balanced_accuracy", say("measure_named_balanced_accuracy")),
      ]} /><//>`}`;
};

/** The card's own words are in English. @param {{card: ModelCard, folded?: boolean}} props */
export const Limits = ({ card, folded = false }) => html`
  <${Section} title=${say("modelLimits")} folded=${folded}>
    ${getLanguage() !== "en" && html`<p><small>${say("inEnglish")}</small></p>`}
    <ul lang="en">${card.limits.map((limit) => html`<li>${limit}</li>`)}</ul>
    <h3>${say("licence")}</h3>
    <p lang="en">${card.licence}</p>
  <//>`;

/** What its owners have taken back of what a model was made with. @param {{taken?: Api["TakenBackView"][]}} props */
export const TakenBack = ({ taken = [] }) =>
  taken.map(({ version, pictures, erased }) => html`
    <p key=${version}>${say(erased === null ? "takenBackUnknown" : "takenBack", { version, pictures: sayNumber(pictures), erased: sayNumber(erased ?? 0) })}</p>`);

/** What a model has learned from, and was tested on. @typedef {NonNullable<ModelCard["sources"]>[number]} Source */

export const Learned = (/** @type {{card: ModelCard, conditions: Api["ConditionsView"]}} */ { card, conditions }) => {
  const sayKind = (/** @type {string} */ kind) => (kind === "unknown" ? sayValue("kind", kind) : nameOfKind(conditions, kind));
  return Array.isArray(card.sources) && html`
    <${Folded} title=${say("learnedFrom")}>
      <${Table} title=${say("learnedFrom")} rows=${card.sources} columns=${/** @type {Column<Source>[]} */ ([
        [say("source"), ({ name }) => sayValue("source", name)],
        [say("kindOfPicture"), ({ modality }) => [modality ?? []].flat().map(sayKind).join(", ")],
        [say("learnedPictures"), ({ pictures }) => sayNumber(pictures?.train ?? 0)],
        [say("testPictures"), ({ pictures }) => sayNumber(pictures?.test ?? 0)],
        [say("licence"), ({ licence }) => html`<span lang="en">${licence || "–"}</span>`],
      ])} />
    <//>`;
};

/** How many malignant lesions were tested, and how many of them were sent where the fewest are. @param {TestedOn | undefined} test */
function fewestSent(test) {
  const points = Object.values(test?.points ?? {});
  const counts = (points.length > 0 ? points : [test?.malignant_caught ?? {}]).map((kinds) => {
    const parts = Object.values(kinds).map((/** @type {Measures} */ one) => ({ all: numberOf(one, "malignant") ?? 0, share: numberOf(one, "caught") ?? 0 }));
    return { all: parts.reduce((sum, { all }) => sum + all, 0), sent: parts.reduce((sum, { all, share }) => sum + Math.round(all * share), 0) };
  });
  return counts.sort((one, other) => one.sent - other.sent)[0];
}

/** How many of 100 malignant lesions were missed in the clinic where most were, of those that were in no training; 0 where none is known. @param {ModelCard} card */
function countMissedElsewhere(card) {
  const kinds = (card.left_out ?? []).flatMap(({ figures }) => Object.values(figures.by_modality ?? { all: figures }));
  const missed = kinds.filter((one) => (numberOf(one, "malignant") ?? 0) >= FEWEST_ELSEWHERE).map((one) => Math.round(100 * (1 - (numberOf(one, "caught") ?? 0))));
  return missed.length > 0 ? Math.max(1, ...missed) : 0;
}

/** What a patient reads. @param {{card: ModelCard, conditions: Api["ConditionsView"]}} props */
const InShort = ({ card, conditions }) => {
  const { sent, all } = fewestSent(card.figures?.test);
  const missed = countMissedElsewhere(card);
  const lines = conditions.notices.about_model.map(said).filter((line) => (all > 0 || !line.includes("{all}")) && (missed > 0 || !line.includes("{missed}")));
  return html`
    ${lines.map((line) => html`<p>${line.replace("{sent}", sayNumber(sent)).replace("{all}", sayNumber(all)).replace("{missed}", sayNumber(missed))}</p>`)}
    <${TakenBack} taken=${card.taken_back} />
    <p><a class="button" href="#/model/card">${say("modelCard")}</a></p>`;
};

/** @param {{argument: string}} props `card`: all of it, for whoever asks */
export const View = ({ argument }) => html`
  <h1>${say("title_model")}</h1>
  <${Load} ask=${() => Promise.all([get("/model-card"), getConditions()])}>
    ${(/** @type {[ModelCard, Api["ConditionsView"]]} */ [card, conditions]) => argument !== "card" && ["user", undefined].includes(getSession()?.role) ? html`<${InShort} card=${card} conditions=${conditions} />` : html`
      <div class="model">
        <p class="lead">${card.architecture} · ${say("version")} <code>${card.version}</code></p>
        <${TakenBack} taken=${card.taken_back} />
        <${Limits} card=${card} />
        <${TestFigures} card=${card} conditions=${conditions} />
        <${Learned} card=${card} conditions=${conditions} />
        <p><a class="button" href="/model-card">${say("wholeCard")}</a></p>
      </div>`}
  <//>`;
