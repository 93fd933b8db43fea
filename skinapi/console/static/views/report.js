// @ts-check
// What the check of a data set has found: counts, what was left out, duplicates and leaks.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Message } from "/console/components.js";
import { colon, isolated, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";
import { TakenFromReviews } from "/console/views/from_reviews.js";
import { Table } from "/console/views/tables.js";

/** Some of many. @typedef {{count: number, shown: any[]}} Listed */

/** With fewer lesions of a class, its validation and test parts say nothing; as `lab/checks/check_report.py` has it. */
const FEWEST_LESIONS = "10";

/** @param {any} found @returns {Listed} */
const listed = (found) => found ?? { count: 0, shown: [] };

/** What one label of the data set was taken for. @typedef {{label: string, count: number, published_as: string | null, known_as: string | null}} Mapped */

/** The sentences that a person should read before training on it. @param {any} report @param {Api["ConditionsView"]} conditions @returns {string[]} */
function warningsOf(report, conditions) {
  const names = (/** @type {string[]} */ keys) => keys.map((key) => nameOf(conditions, key)).join(", ");
  const counted = /** @type {[string, Listed][]} */ ([
    ["warn_contradicting", listed(report.duplicates?.contradicting)],
    ["warn_test", listed(report.seen_by_model?.test)],
    ["warn_near", listed(report.duplicates?.near)],
    ["warn_same", listed(report.elsewhere?.same)],
    ["warn_alike", listed(report.elsewhere?.alike)],
    ["warn_labels", listed(report.lesions?.with_several_labels)],
    ["warn_unreadable", listed(report.unreadable)],
  ]);
  const remapped = /** @type {Mapped[]} */ (report.labels ?? []).filter(
    ({ count, published_as, known_as }) => count > 0 && published_as && known_as && published_as !== known_as,
  );
  return [
    ...remapped.map(({ label, published_as, known_as }) =>
      say("warnMapped", { label, as: names([published_as ?? ""]), known: names([known_as ?? ""]) }),
    ),
    Object.keys(report.classes ?? {}).length < 2 && say("warnOneClass"),
    report.too_small_to_split?.length > 0 && say("warnSmall", { n: FEWEST_LESIONS, names: names(report.too_small_to_split) }),
    report.lesions?.known === false && say("warnLesions"),
    report.modalities?.unknown > 0 && say("warnModality"),
    ...counted.map(([key, { count }]) => count > 0 && say(/** @type {WordKey} */ (key), { n: sayNumber(count) })),
  ].filter((sentence) => typeof sentence === "string");
}

/** @param {{report: any, conditions: Api["ConditionsView"]}} props */
const Warnings = ({ report, conditions }) => {
  const warnings = warningsOf(report, conditions);
  if (warnings.length === 0) return html`<${Message} kind="good">${say("nothingStandsOut")}<//>`;
  return html`<${Message}><p><strong>${say("readBefore")}</strong></p><ul>${warnings.map((one) => html`<li>${one}</li>`)}</ul><//>`;
};

/** @param {{report: any, conditions: Api["ConditionsView"]}} props */
const Classes = ({ report, conditions }) => {
  const classes = /** @type {[string, {pictures: number, lesions: number}][]} */ (Object.entries(report.classes ?? {})).sort(
    ([, one], [, other]) => other.pictures - one.pictures,
  );
  const all = classes.reduce((sum, [, { pictures }]) => sum + pictures, 0);
  const labels = /** @type {Mapped[]} */ (report.labels ?? []);
  const columns = /** @type {import("/console/views/tables.js").Column<typeof classes[number]>[]} */ ([
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
      <${Found} title=${say("found_mapped")} found=${{ count: labels.length, shown: labels }} item=${(/** @type {Mapped} */ one) =>
        html`${Name(one.label)} (${sayNumber(one.count)}) → ${one.published_as ? nameOf(conditions, one.published_as) : say("leftOut")}`} />
    </section>`;
};

/** @param {{report: any}} props */
const Groups = ({ report }) => {
  const { modalities = {}, sources = [], lesions = {}, patients = {} } = report;
  const count = (/** @type {Record<string, number>} */ counts, /** @type {(key: string) => string} */ name) =>
    Object.entries(counts)
      .map(([key, n]) => `${name(key)}${colon()}${sayNumber(n)}`)
      .join(", ");
  const named = Object.fromEntries(sources.map((/** @type {any} */ one) => [one.name, one.pictures]));
  return html`
    <section class="card">
      <h2>${say("groups")}</h2>
      <dl class="pairs">
        <dt>${say("source")}</dt><dd>${count(named, (key) => (key === "not named" ? say("notNamed") : isolated(key)))}</dd>
        <dt>${say("modality")}</dt><dd>${count(modalities, (key) => sayValue("kind", key))}</dd>
        <dt>${say("lesions")}</dt><dd>${lesions.known
          ? say("lesionsText", { n: sayNumber(lesions.count), most: sayNumber(lesions.largest) })
          : say("lesionsUnknown")}</dd>
        <dt>${say("title_patients")}</dt><dd>${patients.count > 0
          ? say("patientsText", { n: sayNumber(patients.count), most: sayNumber(patients.largest), without: sayNumber(patients.pictures_without) })
          : say("patientsUnknown")}</dd>
      </dl>
    </section>`;
};

/** A name that people gave. @param {string} name */
const Name = (name) => html`<code>${isolated(name)}</code>`;

/** @param {{title: string, found: Listed, item: (one: any) => any}} props */
const Found = ({ title, found, item }) =>
  found.count > 0 && html`<details class="found">
    <summary>${title}${colon()}<strong>${sayNumber(found.count)}</strong></summary>
    <ul>${found.shown.map((one) => html`<li>${item(one)}</li>`)}</ul>
    ${found.count > found.shown.length && html`<p><small>${say("moreNotShown", { n: sayNumber(found.count - found.shown.length) })}</small></p>`}
  </details>`;

/** What `told` and `found` hold at all, under a title. @param {{title: string, text: string, none: string, told?: string[], found: {title: string, found: Listed, item: (one: any) => any}[]}} props */
const Section = ({ title, text, none, told = [], found }) => html`
  <section class="card">
    <h2>${title}</h2>
    ${told.length > 0 || found.some((one) => one.found.count > 0)
      ? html`<p>${text}</p>${told.length > 0 && html`<ul>${told.map((one) => html`<li>${one}</li>`)}</ul>`}${found.map((one) => html`<${Found} ...${one} />`)}`
      : html`<p>${none}</p>`}
  </section>`;

/** @param {Record<string, number>} counts of files by the reason why they are not used */
const reasons = (counts) => ({ count: Object.values(counts).reduce((sum, n) => sum + n, 0), shown: Object.entries(counts) });

/** @param {{report: any}} props */
const LeftOut = ({ report }) => {
  const name = (/** @type {string} */ one) => Name(one);
  const labels = report.unknown_labels ?? [];
  const asked = /** @type {Mapped[]} */ (report.labels ?? []).filter(({ count, published_as }) => count > 0 && !published_as);
  return html`<${Section} title=${say("leftOut")} text=${say("leftOutText")} none=${say("nothingLeftOut")}
    told=${asked.map(({ label, count }) => say("leftOutLabel", { label, n: sayNumber(count) }))} found=${[
    { title: say("found_unreadable"), found: listed(report.unreadable), item: (/** @type {any} */ one) => html`${Name(one.name)} <span lang="en">${one.reason}</span>` },
    { title: say("found_labels"), found: { count: labels.length, shown: labels }, item: (/** @type {any} */ one) => html`${Name(one.label)} (${sayNumber(one.count)})` },
    { title: say("found_contradicting"), found: listed(report.duplicates?.contradicting), item: (/** @type {string[]} */ names) => names.map((one) => html`${Name(one)} `) },
    { title: say("found_exact"), found: listed(report.duplicates?.exact), item: (/** @type {string[]} */ names) => names.map((one) => html`${Name(one)} `) },
    { title: say("found_missing"), found: listed(report.missing), item: name },
    { title: say("found_unlabelled"), found: listed(report.without_label), item: name },
    { title: say("found_twice"), found: listed(report.named_twice), item: name },
    { title: say("found_files"), found: reasons(report.skipped_files ?? {}), item: (/** @type {[string, number]} */ [reason, n]) => html`<span lang="en">${reason}</span>: ${sayNumber(n)}` },
  ]} />`;
};

/** @param {{report: any}} props */
const Leaks = ({ report }) => {
  // The other data set may be deleted since; then its name is not told.
  const elsewhere = (/** @type {any} */ { name, dataset, dataset_name }) =>
    html`${Name(name)} – ${dataset_name ? html`<a href="#/dataset/${dataset}">${isolated(dataset_name)}</a>` : html`<code>${dataset}</code>`}`;
  const seen = report.seen_by_model ?? {};
  const labels = (/** @type {string} */ key) => (/** @type {any} */ one) => html`${Name(one[key])}${colon()}${one.labels.map((/** @type {string} */ label) => html`${Name(label)} `)}`;
  return html`<${Section} title=${say("leaks")} text=${say("leaksText")} none=${say("noLeaks")} found=${[
    { title: say("found_near"), found: listed(report.duplicates?.near), item: (/** @type {any} */ { names }) => names.map((/** @type {string} */ one) => html`${Name(one)} `) },
    { title: say("found_same"), found: listed(report.elsewhere?.same), item: elsewhere },
    { title: say("found_alike"), found: listed(report.elsewhere?.alike), item: elsewhere },
    ...["train", "validation", "test"].map((part) => ({ title: say(/** @type {WordKey} */ (`seen_${part}`)), found: listed(seen[part]), item: (/** @type {string} */ one) => Name(one) })),
    { title: say("found_lesions"), found: listed(report.lesions?.with_several_labels), item: labels("lesion") },
    { title: say("found_patients"), found: listed(report.patients?.with_several_labels), item: labels("patient") },
  ]} />`;
};

/** @param {{report: any, conditions: Api["ConditionsView"]}} props */
export const Report = ({ report, conditions }) => html`
  <${Warnings} report=${report} conditions=${conditions} />
  ${report.reviews && html`<${TakenFromReviews} reviews=${report.reviews} />`}
  <${Classes} report=${report} conditions=${conditions} />
  <${Groups} report=${report} />
  <${LeftOut} report=${report} />
  <${Leaks} report=${report} />`;
