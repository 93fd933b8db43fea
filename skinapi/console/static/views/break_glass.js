// @ts-check
// Break-glass, for admins: open one finding in an emergency, and see who has opened which.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, post, put, remove } from "/console/api.js";
import { Answer, AskFirst, Empty, Field, Form, Message, Select, TextArea, toast, useAnswer } from "/console/components.js";
import { isolated, say, sayDate, sayNumber, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { OwnerFields } from "/console/views/login.js";

/** @typedef {Api["BreakGlassOfAdmin"]} Grant */

/** @param {{ended_at: string | null, ends_at: string}} grant */
export const isRunning = ({ ended_at, ends_at }) => !ended_at && Date.parse(ends_at) > Date.now();

/** End it, whoever has it. @param {string} id */
export const endGrant = (id) => remove(apiPath`/break-glass/${id}`).then(() => toast(say("glassEnded")));

/** @param {Record<string, string>} values */
const askedOf = ({ glassFinding, glassReason, ownPassword = "", ownCode }) => ({
  ...(/^[1-9][0-9]*$/.test(glassFinding.trim()) ? { number: Number(glassFinding) } : { email: glassFinding.trim() }),
  reason: glassReason,
  current_password: ownPassword,
  ...(ownCode && { code: ownCode }),
});

/** Who names a patient chooses one of the newest findings. @param {{opened: Api["OpenedBreakGlass"]}} props */
const Choose = ({ opened }) => html`
  <section class="card">
    <h2>${say("glassChoose")}</h2>
    <p>${say("glassChooseText")}</p>
    <${Form} label=${say("glassRead")} onSend=${async (/** @type {Record<string, string>} */ { glassChosen }) => {
      await put(apiPath`/break-glass/${opened._id}/finding`, { number: Number(glassChosen) });
      goTo(`emergency/${glassChosen}`);
    }}>
      <${Select} label=${say("glassFindings")} name="glassChosen" options=${opened.choices.map(({ number, created_at }) => [String(number), say("findingOf", { number, date: sayDate(created_at) })])} />
    <//>
  </section>`;

/** @param {{me: Api["Me"], onOpened: (opened: Api["OpenedBreakGlass"]) => void}} props */
const Ask = ({ me, onOpened }) => {
  /** @param {Record<string, string>} values */
  const ask = async (values) => {
    /** @type {Api["OpenedBreakGlass"]} */
    const opened = await post("/break-glass", askedOf(values)).catch((error) => {
      throw error.status === 404 ? new ApiError(404, "no_finding", say("glassNotFound")) : error;
    });
    if (opened.number) goTo(`emergency/${opened.number}`);
    else onOpened(opened);
  };
  return html`
    <section class="card">
      <h2>${say("glassAsk")}</h2>
      <p>${say("glassText")}</p>
      <${Message}>${say("glassTold")}<//>
      <${Form} label=${say("glassOpen")} kind="danger" onSend=${ask}>
        <${Field} label=${say("glassFinding")} name="glassFinding" hint=${say("glassFindingHint")} autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="200" required />
        <${TextArea} label=${say("glassReason")} name="glassReason" hint=${say("glassReasonHint")} rows="3" minlength="10" maxlength="500" required />
        <${OwnerFields} me=${me} />
      <//>
    </section>`;
};

/** @param {Grant} grant */
const sayEnd = (grant) => (isRunning(grant) ? say("glassUntil", { time: sayDate(grant.ends_at) }) : `${sayValue("glassEnd", grant.ended ?? "time")}`);

/** @param {{grant: Grant, own: boolean, onEnded: () => void}} props */
const Row = ({ grant, own, onEnded }) => html`
  <li>
    <div class="grow">
      <strong>${grant.number ? say("glassNumber", { number: grant.number }) : say("glassNoNumber")}</strong>
      <span>${isolated(grant.admin_name ?? say("glassGone"))} · <time datetime=${grant.created_at}>${sayDate(grant.created_at)}</time></span>
      ${grant.reason && html`<p class="note">${isolated(grant.reason)}</p>`}
    </div>
    <span class="mark">${sayEnd(grant)}</span>
    ${isRunning(grant) && own && grant.number && html`<a class="button quiet" href="#/emergency/${grant.number}">${say("glassRead")}</a>`}
    ${isRunning(grant) && html`<${AskFirst} words=${say("glassClose")} look="quiet" title=${say("glassCloseAsk")} onConfirm=${() => endGrant(grant._id).then(onEnded)}><p>${say("glassCloseText")}</p><//>`}
  </li>`;

/** @param {{me: Api["Me"]}} props */
const Emergencies = ({ me }) => {
  const pages = usePages("/break-glass?limit=50");
  const [opened, setOpened] = useState(/** @type {Api["OpenedBreakGlass"] | null} */ (null));
  const onOpened = (/** @type {Api["OpenedBreakGlass"]} */ found) => {
    setOpened(found);
    pages.reload();
  };
  return html`
    ${opened ? html`<${Choose} opened=${opened} />` : html`<${Ask} me=${me} onOpened=${onOpened} />`}
    <h2>${say("glassList")}</h2>
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("glassNone")} />`}>
      ${(/** @type {Grant[]} */ grants) => html`
        <p>${say("glassRunning", { count: sayNumber(grants.filter(isRunning).length) })}</p>
        <ul class="list">${grants.map((grant) => html`<${Row} key=${grant._id} grant=${grant} own=${grant.admin === me._id} onEnded=${pages.reload} />`)}</ul>`}
    <//>`;
};

export const Section = () => {
  const me = useAnswer(() => get("/me"), []);
  return html`<${Answer} answer=${me}>${(/** @type {Api["Me"]} */ found) => html`<${Emergencies} me=${found} />`}<//>`;
};
