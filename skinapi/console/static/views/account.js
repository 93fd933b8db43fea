// @ts-check
// One's own account: how one logs in, and where; what one is told by mail.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getAll, getSession, logOut, onSessionChange, put, remove, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Answer, AskFirst, Field, Form, sayError, toast, useAnswer } from "/console/components.js";
import { isolated, say, sayAge } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { labelOfLogIn } from "/console/views/clinic_log_in.js";
import { NewPassword } from "/console/views/login.js";
import { MyDeletion } from "/console/views/my_deletion.js";
import { SecondFactorCard } from "/console/views/second_factor.js";

/** The boxes whose request is under way. @type {WeakSet<HTMLInputElement>} */
const underWay = new WeakSet();

/**
 * Keep what is ticked, one request after the other: of two at once the first may arrive last.
 * @param {string} path @param {string} name @param {HTMLInputElement} box
 */
async function keep(path, name, box) {
  if (underWay.has(box)) return; // that request's turn looks at the box again
  underWay.add(box);
  let kept = !box.checked;
  try {
    while (kept !== box.checked) {
      const wanted = box.checked;
      await put(path, { [name]: wanted });
      kept = wanted;
    }
    toast(say("saved"));
  } catch (error) {
    box.checked = kept; // as the server still has it
    toast(sayError(error));
  }
  underWay.delete(box);
}

/** @param {{me: Api["Me"]}} props */
const NoticesCard = ({ me }) => html`
  <section class="card">
    <h2>${say("notices")}</h2>
    <label class="tick"><input type="checkbox" defaultChecked=${me.notices}
      onChange=${(/** @type {FieldEvent} */ event) => keep("/me/notices", "mail", event.target)} />
      <span>${say("noticesByMail")}<br /><small>${say("noticesByMailText")}</small></span></label>
  </section>`;

/** @param {Record<string, string>} values */
async function changePassword({ current, fresh, again }) {
  if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
  const answer = await put("/me/password", { current_password: current, new_password: fresh });
  const session = getSession();
  if (session) setSession({ ...session, token: answer.access_token });
  toast(say("passwordSaved"));
}

const PasswordCard = () => {
  const [turn, setTurn] = useState(0); // after a change, a new form, which is empty
  return html`
    <section class="card"><h2>${say("password")}</h2>
      <details key=${turn}><summary>${say("changePassword")}</summary>
      <${Form} label=${say("changePassword")} onSend=${async (/** @type {Record<string, string>} */ values) => {
        await changePassword(values);
        setTurn(turn + 1);
      }}>
        <${Field} label=${say("yourPassword")} name="current" type="password"
          autocomplete="current-password" required />
        <${NewPassword} />
      <//></details></section>`;
};

const DataCard = () => html`
  <section class="card">
    <h2>${say("title_my-data")}</h2>
    <p>${say("myDataText")}</p>
    <p><a class="button" href="#/my-data">${say("title_my-data")}</a></p>
  </section>`;

const ProgramsCard = () => html`
  <section class="card">
    <h2>${say("programs")}</h2>
    <p>${say("programsText")}</p>
    <p><a class="button" href="#/keys">${say("title_keys")}</a></p>
  </section>`;

/** End every session of the account, this one last. */
async function logOutEverywhere() {
  for (const one of await getAll("/me/sessions")) {
    // It may have ended meanwhile.
    if (!one.current) await remove(apiPath`/me/sessions/${one._id}`).catch((error) => error.status === 404 || Promise.reject(error));
  }
  logOut();
}

const Sessions = () => {
  const pages = usePages("/me/sessions");
  const reload = useRef(pages.reload);
  reload.current = pages.reload;
  useEffect(() => onSessionChange(() => getSession() && reload.current()), []); // a new password ends the others
  /** @param {Api["SessionView"]} one */
  const end = ({ _id }) => remove(apiPath`/me/sessions/${_id}`).then(pages.reload, (error) => toast(sayError(error)));
  return html`
    <section class="card">
      <h2>${say("sessions")}</h2>
      <${Pages} pages=${pages} empty="">
        ${(/** @type {Api["SessionView"][]} */ items) => html`<ul class="plain">
          ${[...items].reverse().map((one) => html`<li class="row between" key=${one._id}>
            <span>${isolated(nameOfClient(one.client ?? say("unknownClient")))}${" "}
              <small>${say(one.refreshes ? "lastUsed" : "loggedIn", { age: sayAge(one.last_used_at) })}</small></span>
            ${one.current
              ? html`<small>${say("thisSession")}</small>`
              : html`<button class="quiet" onClick=${() => end(one)}>${say("endSession")}</button>`}</li>`)}</ul>`}
      <//>
      <p><${AskFirst} words=${say("logOutEverywhere")} onConfirm=${logOutEverywhere}><p>${say("logOutEverywhereText")}</p><//></p>
    </section>`;
};

export const View = () => {
  const answer = useAnswer(() => get("/me"), []);
  return html`
    <h1>${say("title_account")}</h1>
    <${Answer} answer=${answer}>
      ${(/** @type {Api["Me"]} */ me) => {
        const password = me.has_password !== false && html`<${PasswordCard} />`;
        const factor = html`<${SecondFactorCard} me=${me} onChange=${answer.reload} />`;
        return html`
          <p>${isolated(me.name)} · ${isolated(me.email)} · ${say(/** @type {WordKey} */ (`role_${me.role}`))}<br />
            ${me.provider && html`<small>${say(me.has_password === false ? "accountOf" : "accountOfAdmin", { name: labelOfLogIn(me.provider) })}</small><br />`}
            ${me.role === "user" && html`<small>${me.doctor ? say("yourDoctor", { name: me.doctor_name ?? me.doctor }) : say("noDoctor")}</small>`}</p>
          ${/* Until a factor is set up that must be, nothing else of the account is open. */
          me.second_factor_missing
            ? html`<div class="columns"><div>${factor}</div><div>${password}<${MyDeletion} me=${me} /></div></div>`
            : html`<div class="columns">
                <div><${DataCard} />${me.notices !== null && html`<${NoticesCard} me=${me} />`}<${ProgramsCard} /></div>
                <div>${password}${factor}<${Sessions} /></div>
              </div>`}`;
      }}
    <//>`;
};
