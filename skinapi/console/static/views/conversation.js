// What a patient and the doctor in charge write to each other, about a spot or about none.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, newKey, post, put } from "/console/api.js";
import { Failure, Icon, sayError, signByKey, TextArea, toast, useAct } from "/console/components.js";
import { CallClinic } from "/console/clinic.js";
import { isolated, say, sayDate } from "/console/language.js";
import { usePages } from "/console/lists.js";
import { addressOf } from "/console/navigation.js";
import { askWhatWaits, useWaiting } from "/console/waiting.js";
import { keepDrafts } from "/console/views/drafts.js";
import { nameOfSpot } from "/console/views/spot_points.js";

const LONGEST = 2000;
/** So many messages are read at once: as many of one side may be unread. */
const PAGE = 50;

/** By conversation, with the key of the request that sends it. @type {import("/console/views/drafts.js").Drafts<{text: string, key: string}>} */
const drafts = keepDrafts("message");

const Said = (/** @type {{message: Api["MessageView"], view: string, about: About | null}} */ { message, view, about }) => html`
  <li class=${message.own ? "own" : ""}>
    <small><b>${message.own ? say("messageOwn") : message.name ? isolated(message.name) : say("role_user")}</b> · ${sayDate(message.created_at)}</small>
    <p class="letter-text">${message.text}</p>
    <small>${message.finding && message.finding !== about?.id && html`<a href="#/${view}/${message.finding}">${say("title_finding")} ${message.finding}</a>`}
      ${message.own && message.read_at && ` ${say("messageRead")}`}
      ${view === "case" && message.waits && ` ${say("messageWaits")}`}</small>
  </li>`;

/** A finding that a message names. @typedef {Pick<Api["FindingInCareView"], "_id" | "id">} About */

const Write = (/** @type {{path: string, about: About | null, onSent: () => void}} */ { path, about, onSent }) => {
  const [text, setText] = useState(drafts.get(path)?.text ?? "");
  const { run, busy, failed } = useAct();
  const key = useRef(drafts.get(path)?.key ?? newKey()); // the same until the text is another, so that it is there once
  const send = async () => {
    await post(path, { text, submission: about?._id ?? null }, key.current);
    if (drafts.get(path)?.key === key.current) drafts.delete(path); // else one came back and wrote another
    setText("");
    key.current = newKey();
    onSent();
  };
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    run(() => send().catch((problem) => {
      if (!form.isConnected) toast(say("messageNotSent", { reason: sayError(problem) }));
      throw problem;
    }));
  };
  const enter = (/** @type {string} */ next) => {
    setText(next);
    key.current = newKey();
    drafts.set(path, { text: next, key: key.current });
  };
  return html`
    <form onSubmit=${submit}>
      <${TextArea} label=${about ? say("messageAbout", { number: about.id }) : say("messageText")} name="message" rows="3" onKeyDown=${signByKey}
        maxlength=${LONGEST} required readonly=${busy} value=${text} onText=${enter} />
      ${failed}
      <button disabled=${busy}>${say(busy ? "sending" : "messageSend")}</button>
    </form>`;
};

const ACTS = ["scroll", "pointerdown", "keydown"];

function useActed() {
  const [acted, setActed] = useState(false);
  useEffect(() => {
    const act = () => setActed(true);
    ACTS.forEach((one) => addEventListener(one, act, { capture: true, once: true }));
    return () => ACTS.forEach((one) => removeEventListener(one, act, true));
  }, []);
  return acted;
}

/** @param {string | null} spot @param {string} patient whose messages about no spot it is, where there is none */
const pathOf = (spot, patient) => apiPath`/conversations/${spot ?? patient}/messages`;

/** The messages of a spot, or of a patient about none, the newest last. They count as read once the last one has come into sight; those of a patient wait for the doctor until
 * they are answered, or marked as done.
 * `about` is a finding that those written here name, and `view` shows a finding.
 * `closed` says why nobody writes; `wanted`, that one has come for it; `reader` is who reads what is written.
 * A patient has read them where one has come for them or has done something on the page since: a doctor where they are in sight.
 * @param {{spot?: string | null, patient?: string, view: "case" | "finding", mayWrite: boolean, about?: About | null, wanted?: boolean, reader?: string, closed?: "error_patient_cannot_read" | "error_nobody_in_charge"}} props */
const Conversation = ({ spot = null, patient = "", view, mayWrite, about = null, wanted = false, reader, closed = "error_nobody_in_charge" }) => {
  const path = pathOf(spot, patient);
  /** @type {PagesOf<Api["MessageView"]>} */
  const pages = usePages(`${path}?order=newest&limit=${PAGE}`);
  const waiting = useWaiting().messages;
  const last = useRef(/** @type {HTMLElement | null} */ (null));
  const { items = [], next } = pages;
  const newest = items[0]?._id;
  const unread = items.some((one) => !one.own && !one.read_at);
  useEffect(() => {
    if (waiting.some((one) => one.lesion === spot && (spot || (one.patient ?? patient) === patient))) pages.refresh();
  }, [waiting]);
  useEffect(() => {
    if (wanted && view === "case") /** @type {HTMLElement | null} */ (document.querySelector("[name=message]"))?.focus({ preventScroll: true });
    if (wanted || (unread && !about && view === "case")) last.current?.scrollIntoView({ block: "center" });
  }, [pages.items === undefined, wanted]);
  const renew = () => Promise.all([pages.refresh(), askWhatWaits(false)]).catch(() => {}); // it is tried again with the next one
  const { run, failed } = useAct();
  const end = () => run(() => post(apiPath`/messages/${newest}/done`).then(renew));
  const looked = useActed() || wanted || view === "case";
  useEffect(() => {
    if (!unread || !looked || !last.current) return undefined;
    const seen = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      seen.disconnect();
      put(apiPath`/messages/${newest}/read`, {}).then(renew).catch(() => {});
    });
    seen.observe(last.current);
    return () => seen.disconnect();
  }, [newest, unread, looked]);
  if (!pages.items) return pages.error ? html`<${Failure} error=${pages.error} retry=${pages.reload} />` : null;
  if (!mayWrite && items.length === 0 && (spot || view === "case")) return null;
  return html`
    <section class="card conversation">
      ${(spot || view === "case") && html`<h2>${say("messages")}</h2>`}
      ${next && html`<button class="quiet" onClick=${pages.more}>${say("messagesEarlier")}</button>`}
      <ul class="plain" aria-live="polite">${items.map((message) => html`<${Said} key=${message._id} message=${message} view=${view} about=${about} />`).reverse()}</ul>
      <div ref=${last}></div>
      ${view === "case" && items.some(({ waits }) => waits) && html`<p><button class="quiet end-messages" onClick=${end}>${say("messagesDone")}</button></p>${failed}`}
      ${mayWrite ? html`<${Write} path=${path} about=${about} onSent=${renew} />` : html`<p>${say(closed)}</p>${view === "finding" && html`<p>${say("callInstead")}</p><${CallClinic} />`}`}
      ${mayWrite && html`<p><small>${reader ? say("messagesReader", { name: isolated(reader) }) : view === "finding" && say("messagesSlow")}</small></p>`}
    </section>`;
};

/** Whether the patient has written something about a spot, or about none, that waits for an answer. @param {string | null} spot @param {string} patient @returns {Promise<boolean>} */
export const waitsForAnswer = (spot, patient) =>
  get(`${pathOf(spot, patient)}?order=newest&limit=1`).then(([last]) => Boolean(last?.waits), () => false);

/** For the doctor in charge. @param {{spot?: string | null, patient?: string, about?: About, wanted?: boolean}} props */
export const PatientConversation = (props) => html`<${Conversation} key=${props.spot ?? props.patient} view="case" mayWrite ...${props} />`;

/** For the doctor in charge, of a record, or of a patient who cannot read here: it is read, and not gone on with.
 * @param {{spot?: string | null, patient?: string, closed: "error_patient_cannot_read"}} props */
export const FormerConversation = ({ closed, ...rest }) => html`
  <${Conversation} key=${rest.spot ?? rest.patient} view="case" mayWrite=${false} closed=${closed} ...${rest} />`;

/** For the patient, who writes where there is a doctor. @param {{me: Api["Me"], spot?: string | null, wanted: boolean}} props */
export const OwnConversation = ({ me, ...rest }) => html`
  <${Conversation} key=${rest.spot} patient=${me._id} view="finding" reader=${me.doctor_name} mayWrite=${Boolean(me.doctor)} ...${rest} />`;

/** Where a doctor reads a conversation: in the newest case of its spot, beside the list that `filters` ask for; about no spot on the patient's page.
 * @param {Api["WaitingView"]} waiting @param {Record<string, string>} [filters] */
export const placeOfConversation = ({ lesion, finding, patient }, filters = {}) =>
  !lesion ? addressOf(`patients/${patient}`, { at: "messages" }) : finding ? addressOf(`case/${finding}`, { ...filters, at: "messages" }) : `course/${lesion}`;

/** The conversations that wait for a doctor. @param {{messages: Api["WaitingView"][], filters: Record<string, string>}} props */
export const UnreadLinks = ({ messages, filters }) => messages.map((one) => html`
  <a href=${`#/${placeOfConversation(one, filters)}`}><${Icon} name="message" size=${16} />${one.patient_name && `${isolated(one.patient_name)} · `}${one.place ? nameOfSpot({ name: one.name, place: one.place }) : say("generalMessage")} (${one.unread})</a>`);
