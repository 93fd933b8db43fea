// What comes in, and how it is answered, week by week: whether it is still what the model was made for.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Empty, Icon, Load, Message } from "/console/components.js";
import { colon, hasWords, say, sayDay, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { FoldedTable } from "/console/lists.js";
import { labelOfBand, nameOf } from "/console/views/finding.js";

const WEEKS = 26;

/** @typedef {Api["DriftView"]} Found */
/** @typedef {Found["weeks"][number]} Week */
/** @typedef {Found["alerts"][number]} Alert */
/** @typedef {Found["tests"][number]} Test */

/** The newest first. @param {{weeks: Week[], conditions: Api["ConditionsView"]}} props */
const WeekTable = ({ weeks, conditions }) => html`
  <${FoldedTable} title=${say("driftWeeks")} rows=${[...weeks].reverse()} columns=${/** @type {Column<Week>[]} */ ([
    [say("weekFrom"), (week) => html`<time datetime=${week.starts}>${sayDay(week.starts)}</time>`],
    [say("findings"), (week) => sayNumber(week.findings)],
    [say("chart_refused"), (week) => sayNumber(week.refused)],
    [say("doubts"), (week) => sayNumber(week.uncertain)],
    [say("meanConfidence"), (week) => (week.mean_confidence === null ? "–" : sayPercent(week.mean_confidence))],
    [say("reviews"), (week) => sayNumber(week.reviews)],
    [say("disagreements"), (week) => sayNumber(week.disagreements)],
    ...conditions.bands.map(({ key }) => [labelOfBand(conditions, key), (/** @type {Week} */ week) => sayNumber(week.bands[key] ?? 0)]),
    ...[...new Set(weeks.flatMap((week) => Object.keys(week.classes)))].map((key) => [nameOf(conditions, key), (/** @type {Week} */ week) => sayNumber(week.classes[key] ?? 0)]),
  ])} />`;

/** The day on which a week begins; its name where it is none of those shown. @param {string} name @param {Week[]} weeks */
const sayWeek = (name, weeks) => {
  const starts = weeks.find(({ week }) => week === name)?.starts;
  return starts ? sayDay(starts) : name;
};

/** What has changed; in the API's own words where there are none of ours. @param {{alert: Alert, weeks: Week[], conditions: Api["ConditionsView"]}} props */
const AlertText = ({ alert, weeks, conditions }) => {
  const { measure, since, value, reference, condition, sentence } = alert;
  if (!hasWords(`drift_${measure}`)) return html`<li lang="en">${sentence}</li>`;
  return html`<li>${say(/** @type {WordKey} */ (`drift_${measure}`), {
    name: condition ? nameOf(conditions, condition) : "",
    value: sayPercent(value),
    reference: sayPercent(reference),
    since: sayWeek(since, weeks),
  })}</li>`;
};

/** Whether enough was counted for a change to be seen. @param {Test} test */
const isWatched = ({ reference_events: n, reference_size: all }) => n >= all;

/** @param {Test} test */
const sayHowFar = ({ reference_events: n, reference_size: all }) => say("watch_waiting", { n: sayNumber(n), all: sayNumber(all) });

/** Whether a measure is watched, and since when. @param {Test} test @param {Found} found @returns {["info" | "check" | "referral", string]} */
function standingOf(test, { alerts, weeks }) {
  const { measure, tested_events: events, tested_since: since } = test;
  if (alerts.some((alert) => alert.measure === measure)) return ["referral", say("watch_alarm")];
  if (!isWatched(test)) return ["info", sayHowFar(test)];
  return ["check", since ? say("watch_since", { date: sayWeek(since, weeks), n: sayNumber(events) }) : say("watch_next")];
}

/** @type {Record<string, string>} */
const LOOKS = { check: "passed", referral: "open" };

/** What has changed, then each measure with how it stands. @param {{found: Found, conditions: Api["ConditionsView"]}} props */
const Watched = ({ found, conditions }) => html`
  ${found.alerts.length > 0 && html`<${Message} kind="bad"><p><strong>${say("alertsTitle")}</strong></p>
    <ul>${found.alerts.map((alert) => html`<${AlertText} alert=${alert} weeks=${found.weeks} conditions=${conditions} />`)}</ul>
    <p>${say("alertsText")}</p><//>`}
  ${found.tests.length > 0 && html`<section class="card"><h2>${say("watched")}</h2><p>${say("watchedText")}</p>
    <ul class="gates">${found.tests.map((test) => {
      const [icon, words] = standingOf(test, found);
      return html`<li class=${LOOKS[icon]}><${Icon} name=${icon} /><div><strong>${sayValue("tested", test.measure)}</strong><small>${words}</small></div></li>`;
    })}</ul></section>`}`;

const Drift = (/** @type {{found: Found, conditions: Api["ConditionsView"]}} */ { found, conditions }) => {
  const { tests, alerts, weeks } = found;
  if (alerts.length === 0 && !tests.some(isWatched)) return html`<${Empty} title=${say("driftEmpty")}>
    <ul>${tests.map((test) => html`<li>${sayValue("tested", test.measure)}${colon()}${sayHowFar(test)}</li>`)}</ul><//>`;
  return html`
    <p>${say("driftText")}</p>
    <${Watched} found=${found} conditions=${conditions} />
    <${WeekTable} weeks=${weeks} conditions=${conditions} />`;
};

export const View = () => html`
  <h1>${say("title_drift")}</h1>
  <${Load} ask=${() => Promise.all([get(`/drift?weeks=${WEEKS}`), getConditions()])}>
      ${(/** @type {[Api["DriftView"], Api["ConditionsView"]]} */ [found, conditions]) => html`<${Drift} found=${found} conditions=${conditions} />`}
  <//>`;
