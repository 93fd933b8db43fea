// @ts-check
// How much the server was used, day by day: as words, as charts, and as a table.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Load, Tabs } from "/console/components.js";
import { colon, say, sayDay, sayNumber, sayValue } from "/console/language.js";
import { BandLegend, Columns, sum } from "/console/views/charts.js";
import { labelOfBand } from "/console/views/finding.js";
import { FoldedTable } from "/console/views/tables.js";

const PERIODS = ["7", "30", "90", "365"];
/** A period with more days is drawn by the week: a screen has no room for so many columns. */
const MOST_COLUMNS = 92;
const DAYS_OF_WEEK = 7;
const COUNTS = /** @type {const} */ (["refused", "accounts", "reports"]);

/** @typedef {Api["DayOfUsage"]} Day */

/** Several days as one, under the date of the first. @param {Day[]} days @returns {Day} */
function together(days) {
  const [{ day, bands }] = days;
  const of = (/** @type {"findings" | "refused" | "accounts" | "reports"} */ name) => sum(days.map((one) => one[name]));
  const byBand = Object.fromEntries(Object.keys(bands).map((band) => [band, sum(days.map((one) => one.bands[band]))]));
  return { day, findings: of("findings"), bands: byBand, refused: of("refused"), accounts: of("accounts"), reports: of("reports") };
}

/** Whole weeks, of which the last one ends today. @param {Day[]} days */
function byWeek(days) {
  const weeks = [];
  for (let end = days.length; end > 0; end -= DAYS_OF_WEEK) weeks.unshift(together(days.slice(Math.max(0, end - DAYS_OF_WEEK), end)));
  return weeks;
}

/**
 * Columns over time, with the words that say the same. @param {{title: string, days: Day[],
 * columns: import("/console/views/charts.js").Column[], weekly: boolean, children?: unknown}} props
 */
const Chart = ({ title, days, columns, weekly, children }) => {
  const totals = columns.map((column) => sum(column.map((part) => part.value)));
  const most = Math.max(...totals);
  const total = sum(totals);
  const words = total
    ? say(weekly ? "chartOfWeeks" : "chartOfDays", { total: sayNumber(total), most: sayNumber(most), date: sayDay(days[totals.indexOf(most)].day) })
    : say("chartEmpty");
  return html`<${Columns} title=${title} words=${words} columns=${columns} from=${sayDay(days[0].day)} to=${sayDay(days[days.length - 1].day)}>${children}<//>`;
};

/** @param {{days: Day[], bands: string[], conditions: Api["ConditionsView"], weekly: boolean}} props */
const UsageTable = ({ days, bands, conditions, weekly }) => html`
  <${FoldedTable} title=${say("usageTable")} rows=${days.filter((one) => one.findings + one.refused + one.accounts + one.reports > 0).reverse()}
    columns=${/** @type {Column<Day>[]} */ ([
      [say(weekly ? "weekFrom" : "day"), (one) => html`<time datetime=${one.day}>${sayDay(one.day)}</time>`],
      [say("findings"), (one) => sayNumber(one.findings)],
      ...bands.map((band) => [labelOfBand(conditions, band), (/** @type {Day} */ one) => sayNumber(one.bands[band])]),
      ...COUNTS.map((name) => [sayValue("chart", name), (/** @type {Day} */ one) => sayNumber(one[name])]),
    ])}><p><small>${say("usageTableText")}</small></p><//>`;

/** @param {{days: Day[], conditions: Api["ConditionsView"]}} props */
const Usage = ({ days, conditions }) => {
  const weekly = days.length > MOST_COLUMNS;
  const drawn = weekly ? byWeek(days) : days;
  const all = together(days);
  const bands = Object.keys(all.bands);
  return html`
    <p>${say(weekly ? "columnsOfWeeks" : "columnsOfDays")}</p>
    <${Chart} title=${say("findings")} days=${drawn} weekly=${weekly}
      columns=${drawn.map((one) => bands.map((band) => ({ name: band, value: one.bands[band] })))}>
      <${BandLegend} bands=${bands.map((band) => [band, `${labelOfBand(conditions, band)}${colon()}${sayNumber(all.bands[band])}`])} />
    <//>
    <div class="charts">${COUNTS.map((name) => html`<${Chart} title=${sayValue("chart", name)} days=${drawn} weekly=${weekly}
      columns=${drawn.map((one) => [{ name: "count", value: one[name] }])} />`)}</div>
    <${UsageTable} days=${drawn} bands=${bands} conditions=${conditions} weekly=${weekly} />`;
};

export const View = () => {
  const [period, setPeriod] = useState("30");
  return html`
    <h1>${say("title_usage")}</h1>
    <${Tabs} label=${say("period")} chosen=${period} onChoose=${setPeriod} tabs=${PERIODS.map((days) => [days, say("periodOf", { days })])} />
    <${Load} key=${period} ask=${() => Promise.all([get(`/admin/usage?days=${period}`), getConditions()])}>
      ${(/** @type {[Api["UsageView"], Api["ConditionsView"]]} */ [{ days }, conditions]) => html`<${Usage} days=${days} conditions=${conditions} />`}
    <//>`;
};
