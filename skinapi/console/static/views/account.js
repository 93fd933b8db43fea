// @ts-check
// One's own account: consents, password, sessions.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getAll, getSession, logOut, onSessionChange, put, remove, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Answer, Confirm, Field, Form, Pages, sayError, toast, useAnswer, usePages } from "/console/components.js";
import { isolated, say, sayAge } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { NewPassword } from "/console/views/login.js";
import { SecondFactorCard } from "/console/views/second_factor.js";

const CONSENTS = /** @type {const} */ ([
  ["photos", "consentPhotos", "consentPhotosText"],
  ["llm", "consentLlm", "consentLlmText"],
  ["training", "consentTraining", "consentTrainingText"],
]);

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
const ConsentsCard = ({ me }) => html`
  <section class="card">
    <h2>${say("consents")}</h2>
    ${CONSENTS.map(
      ([name, title, text]) => html`
        <label class="tick"><input type="checkbox" defaultChecked=${me.consents[name] ?? false}
          onChange=${(/** @type {FieldEvent} */ event) => keep("/me/consents", name, event.target)} />
          <span>${say(title)}<br /><small>${say(text)}</small></span></label>`,
    )}
  </section>`;

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
    <section class="card"><h2>${say("changePassword")}</h2>
      <${Form} key=${turn} label=${say("changePassword")} onSend=${async (/** @type {Record<string, string>} */ values) => {
        await changePassword(values);
        setTurn(turn + 1);
      }}>
        <${Field} label=${say("currentPassword")} name="current" type="password"
          autocomplete="current-password" required />
        <${NewPassword} />
      <//></section>`;
};

/** End every session of the account, this one last. */
async function logOutEverywhere() {
  for (const one of await getAll("/me/sessions")) {
    // It may have ended meanwhile.
    if (!one.current) await remove(apiPath`/me/sessions/${one._id}`).catch((error) => error.status === 404 || Promise.reject(error));
  }
  logOut();
  goTo("");
}

const Sessions = () => {
  const [asking, setAsking] = useState(false);
  const pages = usePages("/me/sessions");
  const reload = useRef(pages.reload);
  reload.current = pages.reload;
  useEffect(() => onSessionChange(() => getSession() && reload.current()), []); // a new password ends the others
  return html`
    <section class="card">
      <h2>${say("sessions")}</h2>
      <${Pages} pages=${pages} empty="">
        ${(/** @type {any[]} */ items) => html`<ul class="plain">
          ${[...items].reverse().map(
            (one) => html`<li class="row between" key=${one._id}>
              <span>${isolated(nameOfClient(one.client ?? say("unknownClient")))}${" "}
                <small>${say(one.refreshes ? "lastUsed" : "loggedIn", { age: sayAge(one.last_used_at) })}</small></span>
              ${one.current
                ? html`<small>${say("thisSession")}</small>`
                : html`<button class="quiet" onClick=${() =>
                    remove(apiPath`/me/sessions/${one._id}`).then(pages.reload, (error) => toast(sayError(error)))}>${say("endSession")}</button>`}</li>`,
          )}</ul>`}
      <//>
      <p><button onClick=${() => setAsking(true)}>${say("logOutEverywhere")}</button></p>
      ${asking && html`<${Confirm} title=${say("logOutEverywhere")} confirm=${say("logOutEverywhere")} onConfirm=${logOutEverywhere} onClose=${() => setAsking(false)}>
        <p>${say("logOutEverywhereText")}</p><//>`}
    </section>`;
};

/** What a login asks for; first what must be done. @param {Api["Me"]} me @param {() => void} reload */
function logInCards(me, reload) {
  const [password, factor] = [html`<${PasswordCard} />`, html`<${SecondFactorCard} me=${me} onChange=${reload} />`];
  return me.second_factor_missing ? [factor, password] : [password, factor];
}

export const View = () => {
  const answer = useAnswer(() => get("/me"), []);
  return html`
    <h1>${say("title_account")}</h1>
    <${Answer} answer=${answer}>
      ${(/** @type {Api["Me"]} */ me) => html`
        <p>${isolated(me.name)} · ${isolated(me.email)} · ${say(/** @type {WordKey} */ (`role_${me.role}`))}<br />
          ${me.role === "user" && html`<small>${me.doctor ? say("yourDoctor", { name: me.doctor_name ?? me.doctor }) : say("noDoctor")}</small>`}</p>
        <div class="columns">
          ${/* Until it is set up, nothing else of the account is open. */
          !me.second_factor_missing &&
          html`<div><${ConsentsCard} me=${me} />${me.notices !== null && html`<${NoticesCard} me=${me} />`}<${Sessions} /></div>`}
          <div>${logInCards(me, answer.reload)}</div>
        </div>`}
    <//>`;
};
