// @ts-check
// The findings of a doctor's patients, as the API sorts them, those of one patient together; the
// keyboard goes from one to the next.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getConditions, getPage } from "/console/api.js";
import { Answer, BandBadge, Empty, Icon, Pages, Tabs, useAnswer, useKeys, usePages } from "/console/components.js";
import { hasWords, isolated, said, say, sayAge, sayDate, sayPercent, sayValue } from "/console/language.js";
import { sayPlace } from "/console/views/body_map.js";
import { WorkLine } from "/console/views/case_work.js";
import { UnreadList } from "/console/views/conversation.js";
import { bandOf, DecisionLine } from "/console/views/decision.js";
import { labelOfBand, nameOf, nameOfClass } from "/console/views/finding.js";
import { KeptPhoto } from "/console/views/thumbnail.js";
import { WithdrawnLinks } from "/console/views/withdrawn.js";
import { usePolling } from "/console/views/polling.js";

/** A page is short: the first ones are what a doctor reads. */
const PAGE = 20;
/** So often the queue is read again. */
const REFRESH_MS = 10_000;
/** What each tab asks for; the first is shown without a name in the address. */
const FILTERS = {
  "": { reviewed: "false" },
  teach: { order: "learning" },
  reviewed: { reviewed: "true" },
  all: {},
};

/** The finding that was opened last: the list begins there when one comes back. */
let opened = 0;

/** Why it stands where it does: its score, what the sender told, and which rules asked for the band. @param {{found: Api["QueuedFinding"], conditions: Api["ConditionsView"]}} props */
const Told = ({ found, conditions }) => {
  const { body_site: site, body_laterality: laterality, body_side: side, age_band: age, raised_by: rules = [] } = found;
  const [own, restated] = [found.malignant_score, found.restated_malignant_score].map(
    // It comes rounded, and is never quite 0 or 100.
    (percent) => typeof percent === "number" && sayPercent(Math.min(Math.max(percent, 0.01), 99.99) / 100),
  );
  const score = restated ? say("scoreRestated", { restated, own: own || "" }) : own;
  const reasons = rules.map((/** @type {string} */ rule) => (hasWords(`rule_${rule}`) ? sayValue("rule", rule) : nameOf(conditions, rule)));
  const told = [
    score && !found.reviewed && say("scoreIs", { score }),
    site && sayPlace({ site, laterality, side }),
    age && say("ageIs", { age: sayValue("age", age) }),
    reasons.length > 0 && say("reasonsAre", { reasons: reasons.join(", ") }),
  ].filter(Boolean);
  return told.length > 0 && html`<small>${told.join(" · ")}</small>`;
};

/**
 * Those of each patient within an urgency, in the order of the first of them: none stands above a
 * more urgent one of somebody else. What a second opinion put first, whatever its urgency, brings no
 * other with it. One whose place has changed between two pages stands once.
 * @param {any[]} items @returns {any[][]}
 */
const groupByPatient = (items) => {
  const groups = new Map();
  for (const found of new Map(items.map((one) => [one.id, one])).values()) {
    const { opinion_came_at: came, opinion } = found.case ?? {};
    const group = came || opinion?.of_me ? found.id : `${found.reviewed} ${bandOf(found)} ${found.patient_id}`;
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(found);
  }
  return [...groups.values()];
};

/**
 * A finding in short. @param {{found: Api["QueuedFinding"], conditions: Api["ConditionsView"], current?: boolean, named?: boolean, grouped?: boolean,
 *   children?: any}} props
 */
export const FindingRow = ({ found, conditions, current = false, named = true, grouped = false, children }) => html`
  <li class=${`whole${current ? " current" : ""}${grouped ? " grouped" : ""}`}>
    <${KeptPhoto} number=${found.id} kept=${found.photo_kept} />
    <div class="grow">
      <a class="cover" href="#/case/${found.id}" data-number=${found.id}>
        ${named ? isolated(found.patient_name) : `${say("title_finding")} ${found.id}`}</a>
      <span>${said(found.headline?.doctor) || nameOfClass(conditions, found.class)}
        ${found.uncertain && html` <span class="mark">${say("uncertainMark")}</span>`}</span>
      <small>${found.reviewed
        ? html`<${Icon} name="check" size=${14} /> ${say("reviewed")} · ${sayDate(found.created_at)}`
        : say("waitingSince", { age: sayAge(found.created_at) })}
        ${found.learning && !found.learning.teaches && ` · ${say("teachesNothing")}`}</small>
      <${WorkLine} work=${found.case} />
      <${Told} found=${found} conditions=${conditions} />
      <${DecisionLine} decision=${found.decision} conditions=${conditions} />
      ${children}
    </div>
    <${BandBadge} band=${bandOf(found)} label=${labelOfBand(conditions, bandOf(found))} />
  </li>`;

/**
 * Rows of findings with the keys j, k, o and Enter. There is one cursor: the finding that has the
 * focus, or had it last. It stays at its finding when others come or go. Several of one patient
 * stand below the name, unless the list is another one than by urgency.
 * @param {{found: Api["QueuedFinding"][], conditions: Api["ConditionsView"], named: boolean, grouped: boolean}} props
 */
const Rows = ({ found: listed, conditions, named, grouped }) => {
  const groups = grouped ? groupByPatient(listed) : listed.map((one) => [one]);
  const items = groups.flat();
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const [cursor, setCursor] = useState(() => (items.find(({ id }) => id === opened) ?? items[0])?.id);
  const place = items.findIndex(({ id }) => id === cursor); // -1: it has left the list
  const last = useRef(0);
  if (place >= 0) last.current = place;
  /** @param {number} index */
  const linkAt = (index) => list.current?.querySelectorAll("a")[index];
  /** @param {number} step */
  const move = (step) => {
    const next = Math.min(items.length - 1, Math.max(0, place < 0 ? last.current : place + step));
    setCursor(items[next]?.id);
    linkAt(next)?.focus();
    linkAt(next)?.closest("li")?.scrollIntoView({ block: "nearest" });
  };
  useEffect(() => {
    if (place > 0) linkAt(place)?.closest("li")?.scrollIntoView({ block: "center" });
  }, []);
  const open = () => linkAt(place)?.click();
  useKeys({ j: () => move(1), k: () => move(-1), o: open, Enter: open });
  return html`
    <p class="keys"><small>${say("queueKeys")}</small></p>
    <ul class="list" ref=${list}
      onfocusin=${(/** @type {On<FocusEvent>} */ { target }) => target.dataset.number && setCursor(Number(target.dataset.number))}
      onClick=${(/** @type {On<MouseEvent>} */ event) => {
        opened = Number(event.target.dataset.number ?? opened);
      }}>
      ${groups.flatMap((ofOne) => {
        const several = ofOne.length > 1;
        const rows = ofOne.map(
          (found) => html`<${FindingRow} key=${found.id} found=${found} conditions=${conditions} named=${named && !several}
            grouped=${several} current=${found.id === cursor} />`,
        );
        if (!several) return rows;
        return [html`<li key=${`above ${ofOne[0].id}`} class="patient"><h2>${isolated(ofOne[0].patient_name)}</h2></li>`, ...rows];
      })}
    </ul>`;
};

/**
 * Findings page by page; `head` is drawn above them from the first one. A `live` list is read again
 * from time to time; a `grouped` one has the findings of each patient together.
 * @param {{path: string, filter?: Record<string, string>, empty: any, named?: boolean, live?: boolean, grouped?: boolean,
 *   head?: (first: Api["QueuedFinding"] | undefined) => any}} props
 */
export const Findings = ({ path, filter = {}, empty, named = true, live = false, grouped = false, head }) => {
  const conditions = useAnswer(getConditions, []);
  const address = `${path}?${new URLSearchParams({ ...filter, limit: String(PAGE) })}`;
  const pages = usePages(address);
  const refresh = useRef(pages.refresh);
  refresh.current = pages.refresh;
  usePolling(async () => live && refresh.current(), [address], () => live, REFRESH_MS);
  return html`
    ${head?.(pages.items?.[0])}
    <${Answer} answer=${conditions}>
      ${(/** @type {Api["ConditionsView"]} */ table) => html`
        <${Pages} pages=${pages} empty=${empty}>
          ${(/** @type {any[]} */ items) => html`<${Rows} found=${items} conditions=${table} named=${named} grouped=${grouped} />`}
        <//>`}
    <//>`;
};

/**
 * The number of the finding that follows this one, as the queue is drawn, among those to review that
 * no other doctor has taken; behind the last one, the first. Null where no other waits.
 * @param {number} number @returns {Promise<number | null>}
 */
export async function findNext(number) {
  const items = [];
  const free = (/** @type {Api["QueuedFinding"]} */ one) => one.id !== number && one.case?.free !== false;
  /** @type {string | null} */
  let path = "/queue?reviewed=false&limit=100";
  while (path) {
    /** @type {{items: any[], next: string | null}} */
    const page = await getPage(path);
    items.push(...page.items);
    const drawn = groupByPatient(items).flat();
    const place = drawn.findIndex(({ id }) => id === number);
    const following = place >= 0 && drawn.slice(place).find(free);
    if (following) return following.id;
    path = page.next;
  }
  return groupByPatient(items).flat().find(free)?.id ?? null;
}

/** @param {{chosen: string, onChoose: (band: string) => void}} props */
const Urgency = ({ chosen, onChoose }) => {
  const conditions = useAnswer(getConditions, []);
  return html`
    <label class="choice narrow">${say("urgency")}
      <select name="urgency" value=${chosen} onChange=${(/** @type {FieldEvent} */ event) => onChoose(event.target.value)}>
        <option value="">${say("anyUrgency")}</option>
        ${conditions.value?.bands.map((/** @type {Api["BandEntry"]} */ band) => html`<option value=${band.key}>${labelOfBand(conditions.value, band.key)}</option>`)}
      </select></label>`;
};

/** @param {{argument: string}} props */
export const View = ({ argument }) => {
  const [urgency, setUrgency] = useState("");
  const tab = /** @type {keyof typeof FILTERS} */ (Object.hasOwn(FILTERS, argument) ? argument : "");
  return html`
    <h1>${say("title_queue")}</h1>
    <${UnreadList} view="course" />
    <${WithdrawnLinks} />
    <${Tabs} label=${say("title_queue")} chosen=${tab} tabs=${[
      ["", say("toReview")],
      ["teach", say("toTeach")],
      ["reviewed", say("reviewed")],
      ["all", say("all")],
    ]} onChoose=${(/** @type {string} */ next) => (location.hash = `#/queue/${next}`)} />
    <p>${say(tab === "teach" ? "toTeachText" : tab === "reviewed" ? "reviewedOrder" : "queueOrder")}</p>
    ${tab !== "teach" && html`<${Urgency} chosen=${urgency} onChoose=${setUrgency} />`}
    <${Findings} path="/queue" live grouped=${tab !== "teach"} filter=${{ ...FILTERS[tab], ...(urgency && tab !== "teach" && { urgency }) }} empty=${html`
      <${Empty} title=${say(tab || urgency ? "findingsEmpty" : "queueEmpty")}>
        <p>${say(urgency ? "noneOfUrgency" : "queueEmptyText")}</p><//>`} />`;
};
