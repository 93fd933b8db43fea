// @ts-check
// The model card as a page that people can read: what the model is for, its limits and its figures.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Answer, useAnswer } from "/console/components.js";
import { colon, getLanguage, said, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";
import { FEWEST_LESIONS, sayTooFew } from "/console/views/lab.js";

/** What an operating point does: each share, and the count that it is of. */
const AT_A_POINT = new Map([
  ["caught", "malignant"], ["benign_below", "benign"], ["benign_told_urgent", "benign"],
  ["melanomas_told_urgent", "melanomas"], ["urgent_right", "urgent"],
]);

/** Figures of a card by name; intervals among them. @typedef {Record<string, any>} ClassFigures */

/** An interval, where it says something: a width of nil comes of too few pictures. @param {number[]} [interval] */
const known = (interval) => (interval && interval[1] > interval[0] ? interval : undefined);

/** Where the bars of a measure begin: chance, of an AUC. @param {string} measure */
const startOf = (measure) => (measure.endsWith("auc") ? 0.5 : 0);

/**
 * A figure with its interval as a bar: the value is its length, the interval the line across its end.
 * `from` is where the scale begins. @param {{value: number, interval?: number[], from?: number}} props
 */
const Bar = ({ value, interval, from = 0 }) => {
  const place = (/** @type {number} */ at) => `${(100 * Math.max(0, at - from)) / (1 - from)}%`;
  const [low, high] = interval ?? [value, value];
  return html`
    <span class="figure-bar" aria-hidden="true">
      <span class="value" style=${{ width: place(value) }}></span>
      ${interval && html`<span class="interval" style=${{ left: place(low), right: `calc(100% - ${place(high)})` }}></span>`}
    </span>`;
};

/** `among`: of how many it is a share. @param {{value?: number, interval?: number[], among?: number}} props */
const Figure = ({ value, interval, among }) =>
  value === undefined || value === null
    ? "–"
    : html`<span><span class="figure">${sayPercent(value)}
          ${interval && html` <small>${sayPercent(interval[0])} – ${sayPercent(interval[1])}</small>`}</span>
        ${among !== undefined && html` <small class="figure">${say("outcomeOf", { n: sayNumber(among) })}</small>`}</span>`;

/**
 * A table of figures: a row for each part, a column for each measure; the first measure as bars.
 * @param {{title: string, named: string, rows: {name: string, n?: number, figures: any}[], counted?: string,
 *   columns: {key: string, title: string, among?: string}[]}} props
 */
const Figures = ({ title, named, rows, counted, columns }) => html`
  <div class="scroll" tabindex="0" role="region" aria-label=${title}>
    <table class="stacked">
      <thead><tr><th scope="col">${named}</th>${counted && html`<th scope="col">${counted}</th>`}
        ${columns.map((column) => html`<th scope="col">${column.title}</th>`)}</tr></thead>
      <tbody>
        ${rows.map(
          ({ name, n, figures }) => html`<tr>
            <th scope="row">${name}</th>
            ${counted && html`<td data-name=${counted}>${n === undefined ? "–" : sayNumber(n)}</td>`}
            ${columns.map(
              ({ key, title, among }) => html`<td data-name=${title}>
                <${Figure} value=${figures[key]} interval=${known(figures[`${key}_interval`])}
                  among=${among && figures[among]} />
                ${typeof figures[key] === "number" &&
                html`<${Bar} value=${figures[key]} interval=${known(figures[`${key}_interval`])} from=${startOf(key)} />`}
              </td>`,
            )}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

/** @param {Api["ConditionsView"]} conditions @param {string} kind @param {"one" | "many"} [count] */
export const nameOfKind = (conditions, kind, count = "many") => said(conditions.notices.kinds[kind]?.[count]) || kind;

/** The API's sentence on what was sent to a doctor, for each kind of picture. @param {{caught: any, conditions: Api["ConditionsView"]}} props */
const Caught = ({ caught, conditions }) => html`
  ${Object.entries(caught ?? {}).map(([kind, { lesions, malignant, caught, caught_interval }]) => {
    /** @type {Record<string, string>} */
    const values = {
      lesions: sayNumber(lesions),
      kinds: nameOfKind(conditions, kind),
      malignant: sayNumber(malignant),
      sensitivity: sayPercent(caught),
    };
    const sentence = said(conditions.notices.tested).replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => values[name] ?? "");
    return html`<div class="claim"><p>${sentence}
        ${caught_interval && html` <small>${say("interval")}${colon()}${sayPercent(caught_interval[0])} – ${sayPercent(caught_interval[1])}</small>`}</p>
      <${Bar} value=${caught} interval=${caught_interval} /></div>`;
  })}`;

/** What each operating point does, for each kind of picture; and the same for each source. @param {{points: any, conditions: Api["ConditionsView"]}} props */
const Points = ({ points, conditions }) => {
  const columns = [...AT_A_POINT].map(([key, among]) => ({ key, title: sayValue("measure", key), among }));
  const kinds = Object.keys(/** @type {any} */ (Object.values(points)[0]));
  /** @param {string} kind @param {string} [source] */
  const rowsOf = (kind, source) =>
    Object.entries(points).map(([point, of]) => {
      const figures = source ? of[kind]?.by_source?.[source] : of[kind];
      const names = [nameOfKind(conditions, kind), source && sayValue("source", source), sayValue("point", point)];
      return { name: names.filter(Boolean).join(" · "), figures: figures ?? {} };
    });
  const sourcesOf = (/** @type {string} */ kind) => Object.keys(/** @type {any} */ (Object.values(points)[0])[kind]?.by_source ?? {});
  const table = { named: say("pictures"), columns };
  return html`
    <p>${say("pointsText")}</p>
    <${Figures} title=${say("table_points")} rows=${kinds.flatMap((kind) => rowsOf(kind))} ...${table} />
    <details class="claim"><summary>${say("table_by_source")}</summary>
      <${Figures} title=${say("table_by_source")} rows=${kinds.flatMap((kind) => sourcesOf(kind).flatMap((source) => rowsOf(kind, source)))} ...${table} /></details>`;
};

/** @param {{figures: any, all: any}} props the figures with one picture of each lesion, and all of them */
const Overall = ({ figures, all }) => {
  const measures = /** @type {[string, string, string][]} */ ([
    ["macro_auc", say("macroAuc"), say("macroAucText")],
    ["named_balanced_accuracy", say("namedAccuracy"), say("namedAccuracyText")],
    ["stated_balanced_accuracy", say("toldAccuracy"), say("toldAccuracyText")],
  ]);
  const uncertain = all.gates?.uncertain;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${say("modelFigures")}>
      <table class="stacked">
        <thead><tr>${["measure", "value", "interval"].map((one) => html`<th scope="col">${say(/** @type {WordKey} */ (one))}</th>`)}</tr></thead>
        <tbody>
          ${measures
            .filter(([key]) => typeof figures[key] === "number")
            .map(([key, title, text]) => {
              const interval = known(figures[`${key}_interval`]);
              return html`<tr>
                <th scope="row">${title}<small>${text}</small></th>
                <td data-name=${say("value")}><span class="figure">${sayPercent(figures[key])}</span>
                  <${Bar} value=${figures[key]} interval=${interval} from=${startOf(key)} /></td>
                <td data-name=${say("interval")}>${interval ? `${sayPercent(interval[0])} – ${sayPercent(interval[1])}` : "–"}</td>
              </tr>`;
            })}
        </tbody>
      </table>
    </div>
    ${uncertain !== undefined && html`<p>${say("uncertainShare", { share: sayPercent(uncertain) })}</p>`}`;
};

/** What the one answer alone says of the class that matters most. @param {{figures: any, conditions: Api["ConditionsView"]}} props */
const Melanoma = ({ figures, conditions }) => {
  const melanoma = Object.values(figures.per_class ?? {}).find((/** @type {any} */ one) => one.condition === "melanoma");
  const name = melanoma?.named_sensitivity === undefined ? "sensitivity" : "named_sensitivity";
  const [share, interval] = [melanoma?.[name], melanoma?.[`${name}_interval`]];
  if (share === undefined) return null;
  return html`
    <div class="claim"><p>${say("namedOf", { name: nameOf(conditions, "melanoma"), n: sayNumber(melanoma.n), share: sayPercent(share) })}
        ${interval && html` <small>${say("interval")}${colon()}${sayPercent(interval[0])} – ${sayPercent(interval[1])}</small>`}</p>
      <${Bar} value=${share} interval=${interval} /></div>`;
};

/** A part of the page, which can be folded. @param {{title: string, folded: boolean, children?: unknown}} props */
const Section = ({ title, folded, children }) =>
  folded
    ? html`<details class="card"><summary><strong>${title}</strong></summary>${children}</details>`
    : html`<section class="card"><h2>${title}</h2>${children}</section>`;

/** @param {{card: any, conditions: Api["ConditionsView"], folded?: boolean}} props `folded`: what is rarely read */
export const TestFigures = ({ card, conditions, folded = false }) => {
  const all = card.figures?.test;
  if (typeof all?.n !== "number") return html`<p>${say("noFigures")}</p>`;
  const figures = all.one_per_lesion ?? all;
  if (figures.lesions < FEWEST_LESIONS)
    return html`<section class="card"><h2>${say("modelFigures")}</h2><p>${sayTooFew(figures.lesions)}</p></section>`;
  const named = Object.values(figures.per_class ?? {}).some((/** @type {ClassFigures} */ one) => "named_sensitivity" in one);
  const classes = Object.entries(figures.per_class ?? {}).map(([key, one]) => ({
    name: nameOf(conditions, /** @type {any} */ (one).condition ?? key),
    n: /** @type {any} */ (one).n,
    figures: one,
  }));
  /** @param {Record<string, any>} parts @param {(key: string) => string} name */
  const parts = (parts, name) => Object.entries(parts ?? {}).map(([key, one]) => ({ name: name(key), n: one.n, figures: one }));
  const measures = /** @type {{key: string, title: string}[]} */ ([
    { key: "macro_auc", title: say("macroAuc") },
    { key: "named_balanced_accuracy", title: say("namedAccuracy") },
  ]);
  const kinds = parts(figures.by_modality, (key) => nameOfKind(conditions, key));
  const sources = parts(figures.by_source, (key) => sayValue("source", key));
  return html`
    <section class="card">
      <h2>${say("modelFigures")}</h2>
      <p>${say(figures === all ? "testedOn" : "testedOnLesions", { n: sayNumber(figures.n) })} ${say("barsText")}</p>
      <h3>${say("sentToDoctor")}</h3>
      ${Object.keys(all.points ?? {}).length > 0
        ? html`<${Points} points=${all.points} conditions=${conditions} />`
        : html`<${Caught} caught=${all.malignant_caught} conditions=${conditions} />`}
      <h3>${say("oneAnswer")}</h3>
      <${Melanoma} figures=${figures} conditions=${conditions} />
      <${Overall} figures=${figures} all=${all} />
    </section>
    ${classes.length > 0 &&
    html`<${Section} title=${say("byClass")} folded=${folded}><p>${say("byClassText")}</p>
      <${Figures} title=${say("byClass")} named=${say("class")} rows=${classes} counted=${say("lesions")} columns=${[
        { key: named ? "named_sensitivity" : "sensitivity", title: say("sensitivity") },
        { key: "specificity", title: say("specificity") },
        { key: "auc", title: "AUC" },
      ]} /><//>`}
    ${(kinds.length > 0 || sources.length > 0) &&
    html`<${Section} title=${say("bySource")} folded=${folded}><p>${say("bySourceText")}</p>
      <${Figures} title=${say("bySource")} named=${say("source")} rows=${[...kinds, ...sources]} counted=${say("lesions")} columns=${measures} /><//>`}`;
};

/** The card's own words are in English. @param {{card: any, folded?: boolean}} props */
export const Limits = ({ card, folded = false }) => html`
  <${Section} title=${say("modelLimits")} folded=${folded}>
    ${getLanguage() !== "en" && html`<p><small>${say("inEnglish")}</small></p>`}
    <ul lang="en">${card.limits.map((/** @type {string} */ limit) => html`<li>${limit}</li>`)}</ul>
    <h3>${say("licence")}</h3>
    <p lang="en">${card.licence}</p>
  <//>`;

/** @param {{card: any, conditions: Api["ConditionsView"], folded?: boolean}} props */
export const Learned = ({ card, conditions, folded = false }) =>
  Array.isArray(card.sources) &&
  html`
    <${Section} title=${say("learnedFrom")} folded=${folded}>
      <div class="scroll" tabindex="0" role="region" aria-label=${say("learnedFrom")}>
        <table class="stacked">
          <thead><tr><th scope="col">${say("source")}</th><th scope="col">${say("pictures")}</th>
            <th scope="col">${say("learnedPictures")}</th><th scope="col">${say("testPictures")}</th><th scope="col">${say("licence")}</th></tr></thead>
          <tbody>
            ${card.sources.map(
              (/** @type {any} */ source) => html`<tr>
                <th scope="row">${sayValue("source", source.name)}</th>
                <td data-name=${say("pictures")}>${[source.modality ?? []].flat().map((kind) => (kind === "unknown" ? sayValue("kind", kind) : nameOfKind(conditions, kind))).join(", ")}</td>
                <td data-name=${say("learnedPictures")}>${sayNumber(source.pictures?.train ?? 0)}</td>
                <td data-name=${say("testPictures")}>${sayNumber(source.pictures?.test ?? 0)}</td>
                <td data-name=${say("licence")} lang="en">${source.licence || "–"}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    <//>`;

export const View = () => {
  const answer = useAnswer(() => Promise.all([get("/model-card"), getConditions()]), []);
  return html`
    <h1>${say("title_model")}</h1>
    <${Answer} answer=${answer}>
      ${(/** @type {[any, Api["ConditionsView"]]} */ [card, conditions]) => html`
        <div class="model">
          <p class="lead">${card.architecture} · ${say("version")} <code>${card.version}</code></p>
          <${Limits} card=${card} />
          <${TestFigures} card=${card} conditions=${conditions} />
          <${Learned} card=${card} conditions=${conditions} />
          <p><a class="button" href="/model-card">${say("wholeCard")}</a></p>
        </div>`}
    <//>`;
};
