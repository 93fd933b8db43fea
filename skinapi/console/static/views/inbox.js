// @ts-check
// What waits for a patient to do, the most urgent first: the top of the home page.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Icon } from "/console/components.js";
import { getLanguage, say, sayDueDay, today } from "/console/language.js";
import { addressOf } from "/console/navigation.js";
import { colourOf, Due, saidBy } from "/console/views/decision.js";
import { nameOfSpot } from "/console/views/spot_points.js";

/** What waits. @returns {Promise<Api["InboxView"]>} */
export const getInbox = () => get(`/inbox?lang=${getLanguage()}`);

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

/** So many are seen before anything unfolds. */
const SEEN = 5;

/** What is due on a later day. @param {{one: Api["TaskView"]}} props */
const Later = ({ one }) => html`
  <p><strong>${say("inboxLater")}</strong> ${wordsOf(one)}${" · "}<a href="#/spot/${one.lesion}">${one.place && nameOfSpot({ name: one.name, place: one.place })}</a></p>`;

/** @param {{inbox: Api["InboxView"]}} props */
export const Inbox = ({ inbox: { tasks, more } }) => {
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
