// What waits for a patient to do, the most urgent first: the top of the home page.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, newKey, post, remove } from "/console/api.js";
import { Answer, BandBadge, Confirm, Icon, Menu, Message, sayError, toast, useAnswer } from "/console/components.js";
import { colon, getLanguage, isolated, say, sayDate, sayDueDay, today } from "/console/language.js";
import { KeptPhoto, Pages, Turn, usePages, usePaging } from "/console/lists.js";
import { addressOf, goTo } from "/console/navigation.js";
import { useWaiting } from "/console/waiting.js";
import { bandOf, colourOf, DecisionLine, Due, labelOfAdvice, saidBy, waitsOf } from "/console/views/decision.js";
import { Approved } from "/console/views/login.js";
import { SortDialog, SpotFields, spotOf } from "/console/views/sort_finding.js";
import { nameOfSpot, SpotPoints } from "/console/views/spot_points.js";

/** What waits. @returns {Promise<Api["InboxView"]>} */
const getInbox = () => get(`/inbox?lang=${getLanguage()}`);

/** What is to be done, in a patient's words. @param {Api["TaskView"]} one */
function wordsOf({ task, advice, unread, due }) {
  if (task === "see_doctor" || task === "result") return advice?.action;
  if (task === "message") return unread > 1 ? say("inbox_messages", { count: unread }) : say("inbox_message");
  if (!due) return say("inbox_picture");
  return say(isAhead(due) ? "inbox_photograph" : "inbox_photograph_due", { date: sayDueDay(due) });
}

/** Whether that day is still to come. @param {string} due */
const isAhead = (due) => due > today();

/** Where it is done: a message where it stands, and what is urgent at the top of its page. @param {Api["TaskView"]} one */
function placeOf({ task, lesion, advice }) {
  if (task === "picture" || task === "photograph") return lesion ? `check/${lesion}` : "check";
  if (task === "message") return addressOf(`spot/${lesion}`, { at: "messages" });
  return lesion ? `spot/${lesion}` : `finding/${advice?.finding}`;
}

/** @param {{one: Api["TaskView"]}} props */
const Task = ({ one }) => {
  const { task, advice, place, name, sentence } = one;
  const band = task === "see_doctor" && advice ? colourOf(advice.band, advice.waits_for) : null;
  const about = place ? nameOfSpot({ name, place }) : `${say("title_finding")} ${advice?.finding}`;
  return html`
    <li class=${`whole task band-${band ?? "none"}`}>
      <${Icon} name=${band ?? (task === "message" ? "message" : "camera")} size=${28} />
      <div class="grow"><a class="cover" href=${`#/${placeOf(one)}`}>${wordsOf(one)}</a>
        ${sentence && html`<p>${sentence}</p>`}${task === "see_doctor" && html`<${Due} due=${advice?.due} />`}
        <small>${about}${task !== "photograph" && advice && ` · ${saidBy(advice)}`}</small></div>
      <${Icon} name="next" />
    </li>`;
};

/** @param {{tasks: Api["TaskView"][]}} props */
const Tasks = ({ tasks }) => html`
  <ul class="list">${tasks.map((one) => html`<${Task} key=${`${one.task} ${one.lesion ?? one.advice?.finding}`} one=${one} />`)}</ul>`;

const SEEN = 5;

/** What is due on a later day. @param {{one: Api["TaskView"]}} props */
const Later = ({ one }) => html`
  <p><strong>${say("inboxLater")}</strong> ${wordsOf(one)}${" · "}<a href="#/spot/${one.lesion}">${one.place && nameOfSpot({ name: one.name, place: one.place })}</a></p>`;

/** @param {{inbox: Api["InboxView"]}} props */
const Inbox = ({ inbox: { tasks, more } }) => {
  const later = tasks.filter(({ due }) => due && isAhead(due));
  const now = tasks.filter((one) => !later.includes(one));
  return html`
    ${now.length > 0 && html`<section class="inbox">
      <h2>${say("inbox")}</h2>
      <${Tasks} tasks=${now.slice(0, SEEN)} />
      ${now.length > SEEN && html`<details><summary>${say("inboxOthers", { count: now.length - SEEN + more })}</summary>
        <${Tasks} tasks=${now.slice(SEEN)} />
        ${more > 0 && html`<p><small>${say("inboxMore", { count: more })}</small></p>`}
      </details>`}
    </section>`}
    ${later.map((one) => html`<${Later} key=${one.lesion} one=${one} />`)}`;
};

/** The lists of the API say in two ways when a finding was made. @typedef {Api["ListedFinding"] | Api["SummaryView"]} Own */

/** @param {Own} finding */
const madeAt = (finding) => ("created_at" in finding ? finding.created_at : `${finding.time.replace(" ", "T")}Z`);

/** What was said of a finding. @param {{one: Own, conditions: Api["ConditionsView"], past: boolean}} props */
const Said = ({ one, conditions, past }) => {
  const [band, waits] = [bandOf(one), waitsOf(one)];
  const badge = html`<${BandBadge} band=${past ? "none" : colourOf(band, waits)} label=${labelOfAdvice(conditions, band, waits)} />`;
  const decided = html`<${DecisionLine} decision=${one.decision} conditions=${conditions} />`;
  return past ? html`<details class="past"><summary>${say("saidThen")}</summary>${badge}${decided}</details>` : html`${decided}${badge}`;
};

/** `spot` is the one that all of them belong to, or null. `counts` is the number of the finding about which
 * was said what is to be done now: what was said of the others is folded.
 * @param {{items: Own[], spot: string | null, spots: Api["LesionView"][], conditions: Api["ConditionsView"], onChange: (error?: Failed | null) => void,
 *   counts?: number}} props */
export const OwnFindings = ({ items, spot, spots, conditions, onChange, counts }) => {
  const [doomed, setDoomed] = useState(/** @type {Own | null} */ (null));
  const [sorted, setSorted] = useState(/** @type {Own | null} */ (null));
  const sort = say(spot ? "sortAgain" : "sort");
  const sortButton = (/** @type {Own} */ one) => html`<button class=${spot ? "quiet" : ""} aria-label=${`${sort} · ${one.id}`} onClick=${() => setSorted(one)}>${sort}</button>`;
  return html`
    <ul class="list own-findings">
      ${items.map((one) => html`
        <li key=${one.id}>
          <${KeptPhoto} number=${one.id} kept=${one.photo_kept} />
          <div class="grow"><p><a href="#/finding/${one.id}">${say("title_finding")} ${one.id}</a> <small>${sayDate(madeAt(one), false)}</small></p>
            <${Said} one=${one} conditions=${conditions} past=${counts !== undefined && counts !== Number(one.id)} />${!spot && sortButton(one)}</div>
          <${Menu} name=${one.id} label=${say("moreAbout", { number: one.id })}>
            ${spot && sortButton(one)}
            <button class="quiet danger" aria-label=${`${say("delete")} ${one.id}`} onClick=${() => setDoomed(one)}>${say("delete")}</button><//>
        </li>`)}
    </ul>
    ${sorted && html`<${SortDialog} finding=${sorted} spot=${spot} spots=${spots} onDone=${onChange} onClose=${() => setSorted(null)} />`}
    ${doomed && html`<${Confirm} title=${say("deleteFinding")} confirm=${say("delete")} onClose=${() => setDoomed(null)}
      onConfirm=${async () => {
        await remove(apiPath`/submissions/${doomed.id}`);
        toast(say("deleted"));
        onChange();
      }}><p>${say("deleteFindingText", { number: doomed.id })}</p><//>`}`;
};

const OwnErrors = () => html`
  <${Pages} pages=${usePages("/submissions/entered-in-error?limit=20")} empty=${null}>
    ${(/** @type {Api["ErrorView"][]} */ items) => html`<section class="own-errors">
      <h2>${say("enteredInError")}</h2>
      <p>${say("enteredInErrorText")}</p>
      <ul class="list">${items.map((one) => html`<li key=${one.id}><div class="grow">
        <p><del>${say("findingOf", { number: one.id, date: sayDate(one.filed_at, false) })}</del></p>
        <p>${isolated(one.reason)} <small>${sayDate(one.entered_in_error_at, false)}</small></p></div></li>`)}</ul>
    </section>`}
  <//>`;


/** @param {{onClose: () => void}} props */
const NewSpot = ({ onClose }) => {
  const [fields, setFields] = useState({ name: "", place: { site: "" } });
  const [key] = useState(newKey);
  const create = async () => goTo(`spot/${(await post("/lesions", spotOf(fields), key)).id}`);
  return html`
    <${Confirm} title=${say("newSpot")} confirm=${say("create")} kind="primary" onConfirm=${create} onClose=${onClose}>
      <${SpotFields} ...${fields} onChange=${(/** @type {Partial<import("/console/views/sort_finding.js").Fields>} */ changed) => setFields({ ...fields, ...changed })} />
    <//>`;
};

/** A screen or two of them, however many there are. */
const UNSORTED = "/submissions?lesion=none&order=newest&limit=10";

/** @param {{doctor?: string | null}} props */
const Spots = ({ doctor }) => {
  const unread = useWaiting().messages.map((one) => `${one.lesion} ${one.unread}`).join();
  const answer = useAnswer(() => Promise.all([getInbox(), getAll("/lesions?limit=200"), getConditions()]), [getLanguage(), unread]);
  const pages = usePaging(UNSORTED);
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const renewAll = () => {
    answer.reload();
    pages.reload();
  };
  const changed = (/** @type {Failed | null} */ problem) => {
    setError(problem);
    renewAll();
  };
  useEffect(() => {
    // Another window may have sorted them meanwhile.
    const renew = () => document.visibilityState === "visible" && renewAll();
    document.addEventListener("visibilitychange", renew);
    return () => document.removeEventListener("visibilitychange", renew);
  });
  return html`
    <div class="row between"><h1>${say("title_spots")}</h1><a class="button primary" href="#/check"><${Icon} name="camera" />${say("newPhoto")}</a></div>
    ${error && html`<${Message} kind="bad"><p>${sayError(error)}</p><p>${say("nowNewest")}</p><//>`}
    ${adding && html`<${NewSpot} onClose=${() => setAdding(false)} />`}
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["InboxView"], Api["LesionView"][], Api["ConditionsView"]]} */ [inbox, spots, conditions]) => html`
        <${Inbox} inbox=${inbox} />
        ${spots.length === 0
          ? html`<p class="lead">${say("spotsEmpty")} ${doctor && say("spotsEmptyDoctor", { name: isolated(doctor) })}</p>`
          : html`<${SpotPoints} spots=${spots} conditions=${conditions} view="spot" actions=${(/** @type {Api["LesionView"]} */ spot) => html`
              <a class="button quiet" href="#/check/${spot.id}" aria-label=${`${say("newPhotoOfIt")}${colon()}${nameOfSpot(spot)}`}><${Icon} name="camera" /></a>`} />`}
        <p><button class="quiet" onClick=${() => setAdding(true)}>${say("newSpot")}</button></p>
        <${Answer} answer=${pages}>
          ${(/** @type {Own[]} */ items) => (items.length > 0 || pages.back) && html`<section>
            <h2>${say("unsorted")}</h2>
            <p>${say("unsortedText")}</p>
            <${OwnFindings} items=${items} spot=${null} spots=${spots} conditions=${conditions} onChange=${changed} />
            <${Turn} ...${pages} />
          </section>`}
        <//>
        <${OwnErrors} />`}
    <//>`;
};

export const View = () => html`<${Approved}>${(/** @type {Api["Me"]} */ me) => html`<${Spots} doctor=${me.doctor_name} />`}<//>`;
