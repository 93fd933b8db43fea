// Findings of a doctor's patients as rows of two lines: who, how urgent, what is likely, since when.

import { html, useEffect } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getConditions, post } from "/console/api.js";
import { BandBadge, Load, PhoneLink, toastAbout, useAct } from "/console/components.js";
import { colon, isolated, said, say, sayAge, sayCount, sayDate, sayNumber, sayShare, sayShortDay, today } from "/console/language.js";
import { KeptPhoto, Pages, usePages } from "/console/lists.js";
import { addressOf } from "/console/navigation.js";
import { askWhatWaits } from "/console/waiting.js";
import { NO_ADDRESS } from "/console/views/account_actions.js";
import { sayPlace } from "/console/views/body_map.js";
import { sayWork } from "/console/views/case_work.js";
import { Overdue, sayRemoved, UrgencySign } from "/console/views/decision.js";
import { doctorNameOf, isMalignant, labelOfBand } from "/console/views/finding.js";

/** `nobodys`: in a doctor's own list, of a patient without one; `waiting` and `lesion`: in a list of what spots wait for. Without an `id` if all findings of the spot were deleted, or a record of it cannot be read.
 * @typedef {Api["QueuedFinding"] & {nobodys?: boolean} & Partial<Pick<Api["WaitingRow"], "waiting" | "lesion" | "spot_version" | "patient_number" | "patient_sent_by">>} Found */

/** What the spot asks for; in a list of findings, what the finding does. @param {Found} found */
export const urgencyOf = ({ urgency, level }) => urgency ?? level.urgency;

/** Whether a second opinion or a dispute has put it first, whatever its urgency. @param {Found} found */
export const isOpinion = ({ case: work }) => Boolean(work?.opinion_came_at || work?.disputed || work?.opinion?.of_me);

/** What cannot be ruled out, then what is likely: the graver stands first, for the end may be cut off, and the figure before its name. Where
 * nothing is named, how probable a skin cancer is; first, where that is more than half.
 * @param {Found} found @param {Api["ConditionsView"]} conditions */
const sayLikely = ({ headline, malignant_score: own, restated_malignant_score: restated }, conditions) => {
  const named = [...headline.not_ruled_out, headline.likely].map(({ key, probability }) => `${sayShare(probability, isMalignant(conditions, key))} ${doctorNameOf(conditions, key)}`);
  const all = restated ?? own; // the list of a spot has none
  const score = all !== undefined && say("scoreIs", { score: sayShare(all / 100, true) });
  if (score && headline.mostly_malignant) named.unshift(score);
  else if (score && named.length === 1 && !isMalignant(conditions, headline.likely.key)) named.push(score);
  return `${headline.not_skin ? `${say("notLikeSkin")} · ` : ""}${named.join(", ")}`;
};

/** Those of each patient below a heading, in the order of the first of them: none stands above a
 * more urgent one of somebody else. What a second opinion put first, whatever its urgency, brings no
 * other with it. One whose place has changed between two pages stands once.
 * @param {Found[]} items @returns {Found[][]} */
export const groupByPatient = (items) => {
  /** @type {Map<string | number, Found[]>} */
  const groups = new Map();
  for (const found of new Map(items.map((one) => [one.id ?? one.lesion ?? one.patient_id, one])).values()) {
    const group = isOpinion(found) ? found.id : `${headOf([found])} ${found.patient_id}`;
    groups.set(group, [...(groups.get(group) ?? []), found]);
  }
  return [...groups.values()];
};

const NOBODYS = "nobodys", REVIEWED = "reviewed";
/** Headings that are no urgency. @type {Record<string, WordKey>} */
const HEADS = { opinions: "secondOpinions", [NOBODYS]: "withoutDoctor", [REVIEWED]: "reviewed" };

/** How much of a kind is overdue: "To tell: 2 overdue". @param {string} kind what spots wait for @param {number} [count] */
export const sayOverdue = (kind, count = 0) => `${say(/** @type {WordKey} */ (`waiting_${kind}`))}${colon()}${say("countOverdue", { count: sayNumber(count) })}`;

/** Until when the patient is to be seen. @param {Found} found */
const sayTold = ({ due }) => {
  const day = due && say("toldBy", { date: sayShortDay(due) });
  return due && due < today() ? html`<${Overdue} text=${day} />` : day;
};

/** What happens with it: it was reviewed, a doctor works on it, or it waits. @param {Found} found */
const sayState = ({ case: work, reviewed, created_at: made, waiting, decision, deleted }) => {
  if (deleted) return sayAge(deleted.created_at, "narrow");
  const [works] = sayWork(work);
  if (works) return html`${sayAge(work.opinion_came_at ?? work.opinion?.asked_at ?? made, "narrow")} <span class="mark">${works}</span>`;
  if (waiting) return waiting.overdue && waiting.kind !== "visit" && html`<${Overdue} text=${say("overdue")} />`;
  if (reviewed && decision) return say("photoReviewed", { photo: sayShortDay(made), date: sayShortDay(decision.decided_at) });
  return reviewed ? `${say("reviewed")} · ${sayDate(made, false)}` : sayAge(made, "narrow");
};

/** Both, the days first: the end may be cut off. @param {{found: Found}} props */
const State = ({ found }) => {
  const [told, state] = [sayTold(found), sayState(found)];
  return html`<small title=${found.due ? say("seenDue", { date: sayShortDay(found.due) }) : null}>${told}${told && state && " · "}${state}</small>`;
};

/** What another system calls its patient. @param {{number: Api["NumberView"]}} props */
export const OtherNumber = ({ number: { value, system } }) => say("numberThere", { value: isolated(value), system: isolated(system || "dicom") });

/** How to reach a patient who is to be told, and the button for the doctor who has told them. @param {{found: Found}} props */
const ToTell = ({ found }) => {
  const { id, lesion, spot_version, patient_name: name, patient_email: email, patient_phone: phone, patient_number: number, patient_sent_by: sender } = found;
  const { run, failed } = useAct();
  useEffect(() => () => void setTimeout(() => { // once the row is gone, the next one has the focus
    if (document.activeElement === document.body) /** @type {HTMLElement | null} */ (document.querySelector(".cases .current .cover"))?.focus();
  }), []);
  const tell = async () => {
    const answer = await post(apiPath`/lesions/${lesion ?? ""}/told`, { spot_version }).catch((problem) => (problem.code === "spot_changed" ? null : Promise.reject(problem)));
    toastAbout(name, say(answer ? "markedTold" : "notMarkedTold"));
    await askWhatWaits().catch(() => {}); // the list is read again with the counts, at the latest with the next
  };
  return html`
    <span class="reach">
      ${phone && html`<${PhoneLink} number=${phone} />`}
      ${email && !email.endsWith(NO_ADDRESS) && html`<a class="wrap" href=${`mailto:${email}`}>${isolated(email)}</a>`}
      ${number && html`<span class="wrap"><${OtherNumber} number=${number} /></span>`}
      ${sender && html`<span>${say("toReachSentBy", { name: isolated(sender) })}</span>`}
      <button data-number=${id} aria-label=${`${say("markTold")}${colon()}${isolated(name)}${id ? `, ${say("title_finding")} ${id}` : ""}`}
        onClick=${() => run(tell)}>${say("markTold")}</button></span>
    ${failed}`;
};

/** A finding in two lines, or what waits without a finding to open: a message about no spot, or a spot whose findings were deleted or cannot be read. `of` is how many of its patient stand together, this one on top; `below`, that it is one of the others.
 * @param {{found: Found, conditions: Api["ConditionsView"], current?: boolean, named?: boolean, of?: number, below?: boolean, query?: string}} props */
export const FindingRow = ({ found, conditions, current = false, named = true, of = 1, below = false, query = "" }) => {
  const { id, body_site: site, body_laterality: laterality, body_side: side } = found;
  const where = [id ? `${say("title_finding")} ${id}` : found.deleted && sayRemoved(found.deleted), site && sayPlace({ site, laterality, side })].filter(Boolean).join(" · ");
  const { waits_for: kinds = [], waiting, reviewed, review, lesion, urgency } = found;
  const changes = (found.case?.changes ?? []).filter((one) => one.finding === id);
  const sentence = [
    found.inactive && say("inactiveRow"),
    found.deleted && sayRemoved(found.deleted),
    ...kinds.filter((kind) => !["review", "visit"].includes(kind)).map((kind) => say(`waiting_${kind}`)), // a visit is said with its day
    ...changes.flatMap(({ sentence: what, compared }) => [said(what), said(compared)]),
    !reviewed && found.more_urgent && say("becameUrgentRow"),
    waiting && say("awaitedSince", { date: sayShortDay(waiting.since) }),
    !reviewed && found.uncertain && say("uncertainMark"),
    !reviewed && (id ? sayLikely(found, conditions) : !lesion || !urgency ? say("generalMessage") : found.deleted ? labelOfBand(conditions, urgency) : say("partUnreadable")),
    review && said(review),
  ].filter(Boolean).join(" · ");
  const unassigned = kinds.length > 0; // the page of the patient has the button to take them
  const spot = lesion && !unassigned && waiting?.kind !== "answer" && `course/${lesion}`;
  const place = id ? `case/${id}${query}` : spot || addressOf(`patients/${found.patient_id}`, { at: waiting?.kind === "answer" ? "messages" : "" });
  return html`
    <li class=${`whole finding-row${current ? " current" : ""}${below ? " below" : ""}`}>
      ${id && html`<${KeptPhoto} number=${id} kept=${found.photo_kept} /><${UrgencySign} level=${found.level} ...${urgency && urgency !== found.level.urgency && { urgency, label: labelOfBand(conditions, urgency) }} />`}
      <div class="grow">
        <span class="line"><a class="cover" href=${`#/${place}`} data-number=${id} aria-current=${current ? "true" : null}>
            ${named ? html`${below && html`<span class="hidden">${isolated(found.patient_name)} · </span>`}${below ? where : isolated(found.patient_name)}${of > 1 && html` <small>${sayCount("findings", of)}</small>`}` : where}</a>
          <${State} found=${found} /></span>
        <span class="line"><span class="said" title=${sentence}>${sentence}</span></span>
        ${waiting?.kind === "telling" && !unassigned && html`<${ToTell} found=${found} />`}
      </div>
    </li>`;
};

/** Below which heading a group stands: what second opinions put first, what is reviewed, else its urgency. @param {Found[]} group */
const headOf = ([first]) => {
  if (first?.nobodys) return NOBODYS;
  if (first && isOpinion(first)) return "opinions";
  return first && (first.reviewed && !first.deleted ? REVIEWED : urgencyOf(first));
};

/** How many findings stand below a heading; a plus says that more follow. @param {Found[][]} groups @param {number} first @param {boolean} more */
const countBelow = (groups, first, more) => {
  const own = headOf(groups[first] ?? []);
  const end = groups.findIndex((group, at) => at > first && headOf(group) !== own);
  const count = groups.slice(first, end < 0 ? undefined : end).flat().length;
  return `${sayNumber(count)}${end < 0 && more ? "+" : ""}`;
};

/** Rows below the heading of their urgency (`headed`), which counts them; with `more` the last ones go on. Where several are of one patient,
 * the first is named.
 * @param {{groups: Found[][], conditions: Api["ConditionsView"], cursor?: number, named?: boolean, headed?: boolean, query?: string, more?: boolean}} props */
export const FindingRows = ({ groups, conditions, cursor, named = true, headed = false, query, more = false }) => html`
  <ul class="list rows">
    ${groups.flatMap((ofOne, nth) => {
      const rows = ofOne.map((found, at) => html`<${FindingRow} key=${found.id ?? found.lesion ?? found.patient_id} found=${found} conditions=${conditions} named=${named}
        of=${at === 0 ? ofOne.length : 1} below=${at > 0} current=${found.id === cursor} query=${query} />`);
      const head = headed && headOf(ofOne) !== headOf(groups[nth - 1] ?? []) && headOf(ofOne);
      return [
        head && html`<li key=${`${head} ${nth}`} class="urgency"><h2>${Object.hasOwn(HEADS, head)
          ? say(HEADS[head])
          : html`<${BandBadge} band=${head} label=${labelOfBand(conditions, head)} />`} ${countBelow(groups, nth, more)}</h2></li>`,
        ...rows,
      ];
    })}
  </ul>`;

/** The findings of one patient, page by page; beside a case that is opened there they are the list.
 * @param {{path: string, empty: unknown, head?: (first: Found | undefined) => unknown, foot?: (first: Found | undefined) => unknown}} props */
export const FindingPages = ({ path, empty, head, foot }) => {
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
    <//>
    ${pages.items && foot?.(pages.items[0])}`;
};
