// @ts-check
// Findings of a doctor's patients as rows of two lines: who, how urgent, what is likely, since when.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getConditions } from "/console/api.js";
import { BandBadge, Icon, Load } from "/console/components.js";
import { isolated, say, sayAge, sayDate, sayNumber, sayShare } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { addressOf } from "/console/navigation.js";
import { sayPlace } from "/console/views/body_map.js";
import { sayWork } from "/console/views/case_work.js";
import { bandOf, sayDecision } from "/console/views/decision.js";
import { isMalignant, labelOfBand, nameOf } from "/console/views/finding.js";
import { KeptPhoto } from "/console/views/thumbnail.js";

/** @typedef {Api["QueuedFinding"]} Found */

/**
 * What is likely, and what cannot be ruled out; where nothing is named, how probable a skin cancer is. The figure comes first: a name may be cut off.
 * @param {Found} found @param {Api["ConditionsView"]} conditions
 */
const sayLikely = ({ headline, malignant_score: own, restated_malignant_score: restated }, conditions) => {
  const named = [headline.likely, ...headline.not_ruled_out].map(({ key, probability }) => `${sayShare(probability, isMalignant(conditions, key))} ${nameOf(conditions, key)}`);
  const all = restated ?? own; // the list of a spot has none
  if (named.length === 1 && all !== undefined && !isMalignant(conditions, headline.likely.key)) named.push(say("scoreIs", { score: sayShare(all / 100, true) }));
  return named.join(", ");
};

/**
 * Those of each patient within an urgency, in the order of the first of them: none stands above a
 * more urgent one of somebody else. What a second opinion put first, whatever its urgency, brings no
 * other with it. One whose place has changed between two pages stands once.
 * @param {Found[]} items @returns {Found[][]}
 */
export const groupByPatient = (items) => {
  /** @type {Map<string | number, Found[]>} */
  const groups = new Map();
  for (const found of new Map(items.map((one) => [one.id, one])).values()) {
    const { opinion_came_at: came, opinion } = found.case ?? {};
    const group = came || opinion?.of_me ? found.id : `${found.reviewed} ${bandOf(found)} ${found.patient_id}`;
    groups.set(group, [...(groups.get(group) ?? []), found]);
  }
  return [...groups.values()];
};

/** What happens with it: a doctor works on it, it was reviewed, or it waits. @param {Found} found */
const sayState = ({ case: work, learning, reviewed, created_at: made, awaited }) =>
  sayWork(work)[0] ?? (awaited ? (awaited.overdue ? say("overdue") : "") : learning && !learning.teaches ? say("teachesNothing") : reviewed ? sayDate(made, false) : sayAge(made, "narrow"));

/**
 * A finding in two lines. `of` is how many of its patient stand together, this one on top; `below`, that it is one of the others.
 * @param {{found: Found, conditions: Api["ConditionsView"], current?: boolean, named?: boolean, of?: number, below?: boolean, query?: string,
 *   children?: unknown}} props
 */
export const FindingRow = ({ found, conditions, current = false, named = true, of = 1, below = false, query = "", children }) => {
  const { id, body_site: site, body_laterality: laterality, body_side: side, reviewed, decision } = found;
  const where = [`${say("title_finding")} ${id}`, site && sayPlace({ site, laterality, side })].filter(Boolean).join(" · ");
  const marked = sayWork(found.case).length > 0 || found.awaited?.overdue;
  const band = bandOf(found);
  const label = labelOfBand(conditions, band);
  const since = found.awaited && say("awaitedSince", { date: sayDate(found.awaited.since, false) });
  const said = [since, decision ? sayDecision(decision) : sayLikely(found, conditions)].filter(Boolean).join(" · ");
  return html`
    <li class=${`whole finding-row${current ? " current" : ""}${below ? " below" : ""}`}>
      <${KeptPhoto} number=${id} kept=${found.photo_kept} />
      <span class=${`sign-of band-${band}`} title=${label}><${Icon} name=${band} /><span class="hidden">${label}</span></span>
      <div class="grow">
        <span class="line"><a class="cover" href=${`#/case/${id}${query}`} data-number=${id} aria-current=${current ? "true" : null}>
            ${named ? html`${below && html`<span class="hidden">${isolated(found.patient_name)} · </span>`}${below ? where : isolated(found.patient_name)}${of > 1 && html` <small>${of}</small>`}` : where}</a>
          <small class=${marked ? "mark" : ""}>${reviewed && !marked && !found.awaited && `${say("reviewed")} · `}${sayState(found)}</small></span>
        <span class="line"><span class="said" title=${said}>${said}${found.uncertain && !decision && ` · ${say("uncertainMark")}`}</span></span>
        ${children}
      </div>
    </li>`;
};

/** Below which heading a group stands: what second opinions put first, else its urgency. @param {Found[]} group */
const headOf = ([first]) => (first?.case?.opinion_came_at || first?.case?.opinion?.of_me ? "opinions" : first && bandOf(first));

/** How many findings stand below a heading; a plus says that more follow. @param {Found[][]} groups @param {number} first @param {boolean} more */
const countBelow = (groups, first, more) => {
  const own = headOf(groups[first] ?? []);
  const end = groups.findIndex((group, at) => at > first && headOf(group) !== own);
  const count = groups.slice(first, end < 0 ? undefined : end).flat().length;
  return `${sayNumber(count)}${end < 0 && more ? "+" : ""}`;
};

/**
 * Rows below the heading of their urgency (`headed`), which counts them; with `more` the last ones go on. Where several are of one patient,
 * the first is named.
 * @param {{groups: Found[][], conditions: Api["ConditionsView"], cursor?: number, named?: boolean, headed?: boolean, query?: string, more?: boolean}} props
 */
export const FindingRows = ({ groups, conditions, cursor, named = true, headed = false, query, more = false }) => html`
  <ul class="list rows">
    ${groups.flatMap((ofOne, nth) => {
      const rows = ofOne.map((found, at) => html`<${FindingRow} key=${found.id} found=${found} conditions=${conditions} named=${named}
        of=${at === 0 ? ofOne.length : 1} below=${at > 0} current=${found.id === cursor} query=${query} />`);
      const head = headed && headOf(ofOne) !== headOf(groups[nth - 1] ?? []) && headOf(ofOne);
      return [
        head && html`<li key=${`${head} ${nth}`} class="urgency"><h2>${head === "opinions"
          ? say("secondOpinions")
          : html`<${BandBadge} band=${head} label=${labelOfBand(conditions, head)} />`} ${countBelow(groups, nth, more)}</h2></li>`,
        ...rows,
      ];
    })}
  </ul>`;

/** The findings of one patient, page by page; beside a case that is opened there they are the list.
 * @param {{path: string, empty: unknown, head?: (first: Found | undefined) => unknown}} props */
export const FindingPages = ({ path, empty, head }) => {
  /** @type {PagesOf<Found>} */
  const pages = usePages(path);
  return html`
    ${head?.(pages.items?.[0])}
    <${Load} ask=${getConditions}>
      ${(/** @type {Api["ConditionsView"]} */ table) => html`
        <${Pages} pages=${pages} empty=${empty}>
          ${(/** @type {Found[]} */ items) => html`<${FindingRows} groups=${items.map((one) => [one])} conditions=${table} named=${false}
            query=${addressOf("", { list: "all", q: items[0]?.patient_email ?? "" })} />`}
        <//>`}
    <//>`;
};
