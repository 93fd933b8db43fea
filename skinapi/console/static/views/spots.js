// What waits for a patient to do, the most urgent first: the top of the home page.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, isLeftOut, remove } from "/console/api.js";
import { Answer, Confirm, Icon, Load, Menu, Message, toast, useAnswer } from "/console/components.js";
import { Call } from "/console/clinic.js";
import { colon, getLanguage, isolated, say, sayDate, sayDueDay, sayShortDay, today } from "/console/language.js";
import { KeptPhoto, Pages, usePages } from "/console/lists.js";
import { addressOf } from "/console/navigation.js";
import { useWaiting } from "/console/waiting.js";
import { colourOf, Due } from "/console/views/decision.js";
import { getFinding } from "/console/views/finding.js";
import { Approved } from "/console/views/login.js";
import { findUnsent } from "/console/views/photo_sending.js";
import { SortDialog } from "/console/views/sort_finding.js";
import { nameOfSpot, SpotPoints } from "/console/views/spot_points.js";

/** What waits. @returns {Promise<Api["InboxView"]>} */
const getInbox = () => get(`/inbox?lang=${getLanguage()}`);

/** What is to be done, in a patient's words. @param {Api["TaskView"]} one */
function wordsOf({ task, advice, unread, due }) {
  if (task === "see_doctor" || task === "result") return advice?.action;
  if (task === "message") return unread > 1 ? say("inbox_messages", { count: unread }) : say("inbox_message");
  if (!due) return say("waits_photo");
  return say(isAhead(due) ? "inbox_photograph" : "inbox_photograph_due", { date: sayDueDay(due) });
}

/** Whether that day is still to come. @param {string} due */
const isAhead = (due) => due > today();

/** Where it is done: a message where it stands, and what is urgent at the top of its page. @param {Api["TaskView"]} one */
function placeOf({ task, lesion }) {
  if (task === "picture" || task === "photograph") return `check/${lesion}`;
  if (task === "message") return lesion ? addressOf(`spot/${lesion}`, { at: "messages" }) : "messages";
  return `spot/${lesion}`;
}

/** The spot, if there is one. @param {Api["TaskView"]} one */
const aboutOf = ({ lesion, place, name }) => (lesion ? nameOfSpot({ name, place }) : say("generalMessage"));

const Task = (/** @type {{one: Api["TaskView"]}} */ { one }) => html`
  <li class="whole task band-none">
    <${Icon} name=${one.task === "message" ? "message" : one.task !== "picture" && one.advice?.waits_for === "result" ? "file" : "camera"} size=${28} />
    <div class="grow"><a class="cover" href=${`#/${placeOf(one)}`}>${wordsOf(one)}</a>
      ${one.task !== "picture" && one.sentence && html`<p>${one.sentence}</p>`}<small>${aboutOf(one)}</small></div>
    <${Icon} name="next" />
  </li>`;

/** What a doctor is to see, small, each with the way to its page. @param {{tasks: Api["TaskView"][]}} props */
const Pictures = ({ tasks }) => html`
  <ul class="own-findings">${tasks.map((one) => html`
    <li key=${one.lesion ?? one.advice?.finding}><${KeptPhoto} number=${one.advice?.finding} kept=${one.photo_kept} />
      <small><a class="cover" href=${`#/${placeOf(one)}`}>${aboutOf(one)}</a></small></li>`)}</ul>`;

/** What was newly decided, until it was opened: what to do by when, and the way to the words. @param {{one: Api["NewDecisionView"], practice: Api["PracticeView"]}} props */
const NewDecision = ({ one: { finding, title, name, place, advice, sentence }, practice }) => html`
  <section class=${`visit new-decision band-${colourOf(advice.band, advice.waits_for)}`}>
    <p class="eyebrow">${say("newHere")}${` · ${nameOfSpot({ name, place })}`}</p>
    <h2>${title}</h2>
    <p><strong>${advice.action}</strong></p>
    <${Due} due=${advice.due} />
    <p>${sentence}</p>
    ${advice.due && html`<${Call} practice=${practice} />`}
    <p><a class="button" href=${`#/finding/${finding}`}>${say("readDecision", { number: finding })}</a></p>
  </section>`;

/** One visit for all that asks for one: the most urgent heads, and the rest is shown on the same day. @param {{tasks: Api["TaskView"][], practice: Api["PracticeView"]}} props */
const Visit = ({ tasks, practice }) => {
  const [{ advice }] = tasks;
  const first = tasks.filter((one) => one.advice?.action === advice?.action);
  const besides = tasks.filter((one) => !first.includes(one));
  const dues = first.flatMap((one) => one.advice?.due ?? []).sort();
  return html`
    <section class=${`visit band-${advice?.band}`}>
      <h2><${Icon} name=${advice?.band} size=${28} />${first.length > 1 ? say("visitAbout", { action: advice?.action, count: first.length }) : advice?.action}</h2>
      <${Due} due=${dues[0]} />
      ${dues[0] && html`<${Call} practice=${practice} />`}
      <${Pictures} tasks=${first} />
      ${[...new Set(first.map((one) => one.sentence).filter(Boolean))].map((sentence) => html`<p>${sentence}</p>`)}
      ${besides.length > 0 && html`<h3>${say("visitBesides")}</h3><${Pictures} tasks=${besides} />`}
    </section>`;
};

/** What is due on a later day. @param {{one: Api["TaskView"]}} props */
const Later = ({ one }) => html`
  <p><strong>${say("inboxLater")}</strong> ${wordsOf(one)}${" · "}<a href="#/spot/${one.lesion}">${aboutOf(one)}</a></p>`;

/** Whether it asks for a visit, and waits for nothing else. @param {Api["TaskView"]} one */
const asksForVisit = ({ task, advice }) => task === "see_doctor" && !advice?.waits_for;

/** @param {{inbox: Api["InboxView"]}} props */
const Inbox = ({ inbox: { decisions, practice, tasks, more } }) => {
  // What counts of a spot about which something is new stands with that.
  const stands = (/** @type {Api["TaskView"]} */ { lesion, advice }) => decisions.some((one) => one.lesion === lesion && one.advice.finding === advice?.finding);
  const asked = tasks.filter(asksForVisit);
  const visit = asked.filter((one) => !stands(one));
  const later = tasks.filter(({ due }) => due && isAhead(due));
  const others = tasks.filter((one) => !asked.includes(one) && !later.includes(one));
  return html`
    ${decisions.map((one) => html`<${NewDecision} key=${one.finding} one=${one} practice=${practice} />`)}
    ${visit.length > 0 && html`<${Visit} tasks=${visit} practice=${practice} />`}
    ${others.length > 0 && html`<ul class="list">${others.map((one) => html`<${Task} key=${`${one.task} ${one.lesion ?? one.advice?.finding}`} one=${one} />`)}</ul>`}
    ${more > 0 && html`<p><small>${say("inboxMore", { count: more })}</small></p>`}
    ${later.map((one) => html`<${Later} key=${one.lesion} one=${one} />`)}`;
};

/** @typedef {Api["ListedFinding"]} Own */

/** Before photos are deleted: what goes unread. @param {{instruction: Api["InstructionView"] | null}} props */
export const Unread = ({ instruction }) => instruction?.due && html`
  <${Message} kind="bad"><p><strong>${instruction.action}</strong></p><${Due} due=${instruction.due} />
    ${instruction.from !== "review" && html`<p>${say("deleteUnseen")}</p>`}<//>`;

/** Before one's own finding is deleted: what it asks for. @param {{number: number, onDeleted: () => void, onClose: () => void}} props */
const DeleteFinding = ({ number, onDeleted, onClose }) => {
  const erase = async () => {
    await remove(apiPath`/submissions/${number}`);
    toast(say("deleted"));
    onDeleted();
  };
  return html`
    <${Load} ask=${() => getFinding(String(number))}>
      ${(/** @type {Api["FindingView"]} */ { instruction }) => html`
        <${Confirm} title=${say("deleteFinding")} confirm=${say("delete")} onClose=${onClose} onConfirm=${erase}>
          <${Unread} instruction=${instruction} />
          <p>${say("deleteFindingText", { number })}</p>
        <//>`}
    <//>`;
};

/** One's own findings of a spot as pictures.
 * @param {{items: Own[], spot: string, spots: Api["LesionView"][], onChange: (error?: Failed | null) => void}} props */
export const OwnFindings = ({ items, spot, spots, onChange }) => {
  const [doomed, setDoomed] = useState(/** @type {Own | null} */ (null));
  const [sorted, setSorted] = useState(/** @type {Own | null} */ (null));
  return html`
    <ul class="own-findings">
      ${items.map((one) => html`
        <li key=${one.id}><${KeptPhoto} number=${one.id} kept=${one.photo_kept} />
          <div class="about"><small><a class="cover" href="#/finding/${one.id}">${say("findingNumber", { number: one.id })} · ${sayShortDay(one.created_at)}</a></small>
          <${Menu} name=${one.id} label=${say("moreAbout", { number: one.id })}>
            <button class="quiet" onClick=${() => setSorted(one)}>${say("sortAgain")}</button>
            <button class="quiet danger" onClick=${() => setDoomed(one)}>${say("delete")}</button><//></div>
        </li>`)}
    </ul>
    ${sorted && html`<${SortDialog} finding=${sorted} spot=${spot} spots=${spots} onDone=${onChange} onClose=${() => setSorted(null)} />`}
    ${doomed && html`<${DeleteFinding} number=${doomed.id} onDeleted=${onChange} onClose=${() => setDoomed(null)} />`}`;
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

const Spots = (/** @type {{doctor?: string | null}} */ { doctor }) => {
  const unread = useWaiting().messages.map((one) => `${one.lesion} ${one.unread}`).join();
  const answer = useAnswer(() => Promise.all([getInbox(), getAll(`/lesions?limit=200&lang=${getLanguage()}`), getConditions()]), [getLanguage(), unread]);
  useEffect(() => {
    // Another window may have sorted them meanwhile.
    const renew = () => document.visibilityState === "visible" && answer.reload();
    document.addEventListener("visibilitychange", renew);
    return () => document.removeEventListener("visibilitychange", renew);
  });
  return html`
    <div class="row between"><h1>${say("title_spots")}</h1><a class="button primary" href="#/check"><${Icon} name="camera" />${say("title_check")}</a></div>
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["InboxView"], Api["LesionView"][], Api["ConditionsView"]]} */ [inbox, spots, conditions]) => html`
        <${Inbox} inbox=${inbox} />
        ${spots.length > 0 ? html`<${SpotPoints} spots=${spots} conditions=${conditions} view="spot" told=${new Set(inbox.tasks.filter(asksForVisit).map((one) => one.lesion))} actions=${(/** @type {Api["LesionView"]} */ spot) => html`
          <a class="button quiet" href="#/check/${spot.id}" aria-label=${`${say("newPhotoOfIt")}${colon()}${nameOfSpot(spot)}`}><${Icon} name="camera" /></a>`} />`
          : !isLeftOut() && html`<p class="lead">${say("spotsEmpty")} ${doctor && say("spotsEmptyDoctor", { name: isolated(doctor) })}</p>`}
        <p class="row"><a class="button" href="#/messages"><${Icon} name="message" />${doctor ? say("writeTo", { name: isolated(doctor) }) : say("title_messages")}</a></p>
        <${OwnErrors} />`}
    <//>`;
};

/** A photo that waits, said without a network too. */
const Unsent = () => {
  const about = findUnsent();
  return about !== undefined && html`<${Message}><p>${say("unsentWaits")} <a href=${about ? `#/check/${about}` : "#/check"}>${say("toUnsent")}</a></p><//>`;
};

export const View = () => html`<${Unsent} /><${Approved}>${(/** @type {Api["Me"]} */ me) => html`<${Spots} doctor=${me.doctor_name} />`}<//>`;
