// One's own account: how one logs in, and where; what one is told by mail.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getAll, getSession, logOut, onSessionChange, patch, post, put, remove, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { AskFirst, Field, Form, Load, Message, sayError, Secret, toast } from "/console/components.js";
import { isolated, say, sayAge } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { CodeField, labelOfLogIn, NewPassword } from "/console/views/login.js";
import { MyDeletion } from "/console/views/my_deletion.js";

const MARGIN = 4;

const QrCode = (/** @type {{qr: {side: number, path: string}}} */ { qr }) => {
  const wide = qr.side + 2 * MARGIN;
  return html`<svg class="qr" viewBox="${-MARGIN} ${-MARGIN} ${wide} ${wide}" role="img" aria-label=${say("qrCode")}>
    <path d=${qr.path} /></svg>`;
};

/** The password of the account, if it has one here, before anything is changed. @param {{me: Api["Me"]}} props */
const Password = ({ me }) => me.has_password !== false && html`<${Field} label=${say("yourPassword")} name="factorPassword" type="password"
  autocomplete="current-password" required />`;

const SetUp = (/** @type {{me: Api["Me"], onDone: () => void}} */ { me, onDone }) => {
  const [made, setMade] = useState(/** @type {Api["SecondFactorSecret"] | null} */ (null));
  const [recovery, setRecovery] = useState(/** @type {string[] | null} */ (null));
  if (recovery)
    return html`<${Secret} title=${say("recoveryCodes")} text=${say("recoveryCodesText")} password=${recovery.join("\n")}
      file="skinapi-recovery-codes.txt" onClose=${onDone} />`;
  if (!made)
    return html`<${Form} key="password" label=${say("showQrCode")} onSend=${async (/** @type {Record<string, string>} */ { factorPassword = "" }) =>
      setMade(await post("/me/second-factor", { current_password: factorPassword }))}><${Password} me=${me} /><//>`;
  return html`
    <p>${say("scanCode")}</p>
    <${QrCode} qr=${made.qr} />
    <p><a href=${made.uri}>${say("openApp")}</a></p>
    <p>${say("typeSecret")}<br /><code class="key">${made.secret.match(/.{4}/g)?.join(" ")}</code></p>
    <${Form} key="code" label=${say("confirmCode")} onSend=${async (/** @type {Record<string, string>} */ { code }) =>
      setRecovery((await post("/me/second-factor/confirm", { code })).recovery_codes)}>
      <${CodeField} hint=${say("codeOfApp")} /><//>`;
};

const Remove = (/** @type {{me: Api["Me"], onDone: () => void}} */ { me, onDone }) => html`
  <details class="factor"><summary>${say("removeFactor")}</summary>
    <${Form} label=${say("removeFactor")} onSend=${async (/** @type {Record<string, string>} */ { factorPassword = "", code }) => {
      await post("/me/second-factor/remove", { current_password: factorPassword, code });
      toast(say("factorRemovedOwn"));
      onDone();
    }}><${Password} me=${me} /><${CodeField} hint=${say("codeHint")} /><//></details>`;

const SecondFactorCard = (/** @type {{me: Api["Me"], onChange: () => void}} */ { me, onChange }) => html`
  <section class="card">
    <h2>${say("secondFactor")}</h2>
    ${me.second_factor_missing && html`<${Message}>${say("factorMissing")}<//>`}
    <p>${me.second_factor ? say("factorIsOn", { count: `${me.recovery_codes_left}` }) : say("secondFactorText")}</p>
    ${me.second_factor
      ? html`<${Remove} me=${me} onDone=${onChange} />`
      : html`<details class="factor" open=${me.second_factor_missing}><summary>${say("setUp")}</summary><${SetUp} me=${me} onDone=${onChange} /></details>`}
  </section>`;

/** The boxes whose request is under way. @type {WeakSet<HTMLInputElement>} */
const underWay = new WeakSet();

/** Keep what is ticked, one request after the other: of two at once the first may arrive last.
 * @param {string} name @param {HTMLInputElement} box */
async function keep(name, box) {
  if (underWay.has(box)) return; // that request's turn looks at the box again
  underWay.add(box);
  let kept = !box.checked;
  try {
    while (kept !== box.checked) {
      const wanted = box.checked;
      await patch("/me", { [name]: wanted });
      kept = wanted;
    }
    toast(say("saved"));
  } catch (error) {
    box.checked = kept; // as the server still has it
    toast(sayError(error));
  }
  underWay.delete(box);
}

const NoticesCard = (/** @type {{me: Api["Me"]}} */ { me }) => html`
  <section class="card">
    <h2>${say("notices")}</h2>
    <label class="tick"><input type="checkbox" defaultChecked=${me.notices}
      onChange=${(/** @type {FieldEvent} */ event) => keep("notices", event.target)} />
      <span>${say("noticesByMail")}<br /><small>${say("noticesByMailText")}</small></span></label>
  </section>`;

/** How a doctor reaches one; an empty field removes it. @param {{me: Api["Me"]}} props */
const PhoneCard = ({ me }) => html`
  <section class="card">
    <h2>${say("phone")}</h2>
    <${Form} label=${say("save")} kind="" onSend=${async (/** @type {Record<string, string>} */ { phone = "" }) => {
      await patch("/me", { phone: phone.trim() || null });
      toast(say("saved"));
    }}><${Field} label=${say("phone")} name="phone" type="tel" autocomplete="tel" maxlength="40" value=${me.phone ?? ""} hint=${say("phoneText")} /><//>
  </section>`;

async function changePassword(/** @type {Record<string, string>} */ { current, fresh, again }) {
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

/** Keys are for who has programs. @param {{me: Api["Me"]}} props */
const Elsewhere = ({ me }) => html`
  <p class="row"><a class="button" href="#/my-data">${say("title_my-data")}</a>${me.role !== "user" && html`<a class="button" href="#/keys">${say("title_keys")}</a>`}</p>`;

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

export const View = () => html`
  <h1>${say("title_account")}</h1>
  <${Load} ask=${() => get("/me")}>
    ${(/** @type {Api["Me"]} */ me, /** @type {() => void} */ reload) => {
      const password = me.has_password !== false && html`<${PasswordCard} />`;
      const factor = html`<${SecondFactorCard} me=${me} onChange=${reload} />`;
      return html`
        <p>${isolated(me.name)} · ${isolated(me.email)} · ${say(/** @type {WordKey} */ (`role_${me.role}`))}<br />
          ${me.provider && html`<small>${say(me.has_password === false ? "accountOf" : "accountOfAdmin", { name: labelOfLogIn(me.provider) })}</small><br />`}
          ${me.role === "user" && html`<small>${me.doctor ? say("yourDoctor", { name: me.doctor_name ?? me.doctor }) : say("noDoctor")}</small>`}</p>
        ${/* Until a factor is set up that must be, nothing else of the account is open. */
        me.second_factor_missing
          ? html`<div class="columns"><div>${factor}</div><div>${password}<${MyDeletion} me=${me} /></div></div>`
          : html`<${Elsewhere} me=${me} /><div class="columns">
              <div>${me.notices !== null && html`<${NoticesCard} me=${me} />`}<${PhoneCard} me=${me} />${password}${factor}</div>
              <div><${Sessions} /></div>
            </div>`}`;
    }}
  <//>`;
