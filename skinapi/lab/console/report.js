// What the check of a data set has found: counts, what was left out, duplicates and leaks.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Message } from "/console/components.js";
import { colon, isolated, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { Table } from "/console/lists.js";
import { TakenFromReviews } from "./datasets.js";
import { nameOf } from "/console/views/finding.js";

/** With fewer lesions of a class, its validation and test parts say nothing; as `lab/checks/check_report.py` has it. */
const FEWEST_LESIONS = "10";

/** The sentences that a person should read before training on it. @param {DatasetReport} report @param {Api["ConditionsView"]} conditions
 * @returns {string[]} */
function warningsOf(report, conditions) {
  const { duplicates, seen_by_model: seen, elsewhere, lesions, too_small_to_split: small = [] } = report;
  const names = (/** @type {string[]} */ keys) => keys.map((key) => nameOf(conditions, key)).join(", ");
  const counted = /** @type {const} */ ([
    ["contradicting", duplicates?.contradicting], ["test", seen?.test], ["same", elsewhere?.same],
    ["labels", lesions?.with_several_labels], ["unreadable", report.unreadable],
  ]);
  const remapped = (report.labels ?? []).filter(({ count, published_as: as, known_as: known }) => count > 0 && as && known && as !== known);
  return [
    ...remapped.map(({ label, published_as: as, known_as: known }) => say("warnMapped", { label, as: names([as ?? ""]), known: names([known ?? ""]) })),
    Object.keys(report.classes ?? {}).length < 2 && say("warnOneClass"),
    // Where it cannot be split at all, the way to train on it says so.
    small.length > 0 && Object.values(report.classes ?? {}).filter(({ pictures }) => pictures >= Number(FEWEST_LESIONS)).length > 1 && say("warnSmall", { n: FEWEST_LESIONS, names: names(small) }),
    lesions?.known === false && say("warnLesions"),
    (report.modalities?.unknown ?? 0) > 0 && say("warnModality"),
    ...counted.map(([key, found]) => found && found.count > 0 && say(`warn_${key}`, { n: sayNumber(found.count) })),
  ].filter((sentence) => typeof sentence === "string");
}

const Warnings = (/** @type {{report: DatasetReport, conditions: Api["ConditionsView"]}} */ { report, conditions }) => {
  const warnings = warningsOf(report, conditions);
  if (warnings.length === 0) return html`<${Message} kind="good">${say("nothingStandsOut")}<//>`;
  return html`<${Message}><p><strong>${say("readBefore")}</strong></p><ul>${warnings.map((one) => html`<li>${one}</li>`)}</ul><//>`;
};

const Classes = (/** @type {{report: DatasetReport, conditions: Api["ConditionsView"]}} */ { report, conditions }) => {
  const classes = Object.entries(report.classes ?? {}).sort(([, one], [, other]) => other.pictures - one.pictures);
  const all = classes.reduce((sum, [, { pictures }]) => sum + pictures, 0);
  const labels = report.labels ?? [];
  const mapped = part("mapped", { count: labels.length, shown: labels }, ({ label, count, published_as: as }) =>
    html`${Name(label)} (${sayNumber(count)}) → ${as ? nameOf(conditions, as) : say("leftOut")}`);
  const columns = /** @type {Column<typeof classes[number]>[]} */ ([
    [say("class"), ([key]) => nameOf(conditions, key)],
    [say("picturesCount"), ([, { pictures }]) => sayNumber(pictures)],
    [say("share"), ([, { pictures }]) => html`${sayPercent(pictures / all)}
      <span class="figure-bar" aria-hidden="true"><span class="value" style=${{ width: `${(100 * pictures) / all}%` }}></span></span>`],
    [say(report.lesions?.known ? "lesions" : "lesionsAssumed"), ([, { lesions }]) => sayNumber(lesions)],
  ]);
  return html`
    <section class="card">
      <h2>${say("byClassCounts")}</h2>
      <${Table} title=${say("byClassCounts")} rows=${classes} columns=${columns} />
      <${Found} ...${mapped} />
    </section>`;
};

const Groups = (/** @type {{report: DatasetReport}} */ { report }) => {
  const { modalities = {}, sources = [], lesions, patients } = report;
  const count = (/** @type {Record<string, number>} */ counts, /** @type {(key: string) => string} */ name) =>
    Object.entries(counts).map(([key, n]) => `${name(key)}${colon()}${sayNumber(n)}`).join(", ");
  const named = Object.fromEntries(sources.map((one) => [one.name, one.pictures]));
  return html`
    <section class="card">
      <h2>${say("groups")}</h2>
      <dl class="pairs">
        <dt>${say("source")}</dt><dd>${count(named, (key) => (key === "not named" ? say("notNamed") : isolated(key)))}</dd>
        <dt>${say("modality")}</dt><dd>${count(modalities, (key) => sayValue("kind", key))}</dd>
        <dt>${say("lesions")}</dt><dd>${lesions?.known
          ? say("lesionsText", { n: sayNumber(lesions.count), most: sayNumber(lesions.largest) })
          : say("notSaid")}</dd>
        <dt>${say("title_patients")}</dt><dd>${patients && patients.count > 0
          ? say("patientsText", { n: sayNumber(patients.count), most: sayNumber(patients.largest), without: sayNumber(patients.pictures_without) })
          : say("notSaid")}</dd>
      </dl>
    </section>`;
};

/** A name that people gave. @param {string} name */
const Name = (name) => html`<code>${isolated(name)}</code>`;

/** What was found of a kind, and those that are shown. @typedef {{title: string, count: number, shown: unknown[]}} Part */

/** @template T @param {string} kind @param {Listed<T> | undefined} found @param {(one: T) => unknown} show @returns {Part} */
const part = (kind, found, show) => ({ title: sayValue("found", kind), count: found?.count ?? 0, shown: (found?.shown ?? []).map(show) });

const Found = (/** @type {Part} */ { title, count, shown }) =>
  count > 0 && html`<details class="found">
    <summary>${title}${colon()}<strong>${sayNumber(count)}</strong></summary>
    <ul>${shown.map((one) => html`<li>${one}</li>`)}</ul>
    ${count > shown.length && html`<p><small>${say("moreNotShown", { n: sayNumber(count - shown.length) })}</small></p>`}
  </details>`;

/** What `told` and `parts` hold, under a title. @param {{title: string, text?: string, told?: string[], parts: Part[]}} props */
const Section = ({ title, text, told = [], parts }) =>
  (told.length > 0 || parts.some(({ count }) => count > 0)) && html`<section class="card">
    <h2>${title}</h2>
    ${text && html`<p>${text}</p>`}${told.length > 0 && html`<ul>${told.map((one) => html`<li>${one}</li>`)}</ul>`}${parts.map((one) => html`<${Found} ...${one} />`)}
  </section>`;

const Names = (/** @type {string[]} */ names) => names.map((one) => html`${Name(one)} `);

const LeftOut = (/** @type {{report: DatasetReport}} */ { report }) => {
  const { unknown_labels: unknown = [], skipped_files: skipped = {}, duplicates } = report;
  const asked = (report.labels ?? []).filter(({ count, published_as: as }) => count > 0 && !as);
  const files = { count: Object.values(skipped).reduce((sum, n) => sum + n, 0), shown: Object.entries(skipped) };
  return html`<${Section} title=${say("leftOut")}
    told=${asked.map(({ label, count }) => say("leftOutLabel", { label, n: sayNumber(count) }))} parts=${[
      part("unreadable", report.unreadable, ({ name, reason }) => html`${Name(name)} <span lang="en">${reason}</span>`),
      part("labels", { count: unknown.length, shown: unknown }, ({ label, count }) => html`${Name(label)} (${sayNumber(count)})`),
      part("contradicting", duplicates?.contradicting, Names),
      part("exact", duplicates?.exact, Names),
      part("missing", report.missing, Name),
      part("unlabelled", report.without_label, Name),
      part("twice", report.named_twice, Name),
      part("files", files, ([reason, n]) => html`<span lang="en">${reason}</span>: ${sayNumber(n)}`),
    ]} />`;
};

/** @param {{report: DatasetReport}} props */
const Leaks = ({ report: { elsewhere, seen_by_model: seen = {}, lesions, patients } }) => {
  // The other data set may be deleted since; then its name is not told.
  const other = (/** @type {{name: string, dataset: string, dataset_name: string | null}} */ { name, dataset, dataset_name: title }) =>
    html`${Name(name)} – ${title ? html`<a href="#/dataset/${dataset}">${isolated(title)}</a>` : html`<code>${dataset}</code>`}`;
  const labelled = (/** @type {string} */ name, /** @type {string[]} */ labels) => html`${Name(name)}${colon()}${Names(labels)}`;
  const parts = /** @type {const} */ (["train", "validation", "test"]);
  return html`<${Section} title=${say("leaks")} text=${say("leaksText")} parts=${[
    part("same", elsewhere?.same, other),
    ...parts.map((one) => ({ ...part("", seen[one], Name), title: sayValue("seen", one) })),
    part("lesions", lesions?.with_several_labels, ({ lesion, labels }) => labelled(lesion, labels)),
    part("patients", patients?.with_several_labels, ({ patient, labels }) => labelled(patient, labels)),
  ]} />`;
};

/** @param {{report: DatasetReport, conditions: Api["ConditionsView"]}} props */
export const Report = ({ report, conditions }) => html`
  <${Warnings} report=${report} conditions=${conditions} />
  ${report.reviews && html`<${TakenFromReviews} reviews=${report.reviews} />`}
  <${Classes} report=${report} conditions=${conditions} />
  <${Groups} report=${report} />
  <${LeftOut} report=${report} />
  <${Leaks} report=${report} />`;
