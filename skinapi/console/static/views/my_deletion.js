// @ts-check
// The end of one's account.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { remove, setSession } from "/console/api.js";
import { Field, Form, toast, useModal } from "/console/components.js";
import { say } from "/console/language.js";
import { CodeField } from "/console/views/login.js";

/** Asked once, in words of what goes and what stays. @param {{me: Api["Me"], onClose: () => void}} props */
const AskDeletion = ({ me, onClose }) => {
  const dialog = useModal();
  /** @param {Record<string, string>} values */
  const leave = async ({ ownPassword = "", ownCode }) => {
    await remove("/me", { current_password: ownPassword, ...(ownCode && { code: ownCode }) });
    setSession(null);
    toast(say("ownAccountDeleted"));
  };
  return html`
    <dialog ref=${dialog} aria-label=${say("deleteOwnAsk")} onClose=${onClose}>
      <h2>${say("deleteOwnAsk")}</h2>
      <p>${say(me.role === "user" ? "deleteOwnGoes" : "deleteOwnGoesOfStaff")}</p>
      <p>${say(me.role === "doctor" ? "deleteOwnStaysOfDoctor" : "deleteOwnStays")}</p>
      <${Form} label=${say("deleteOwn")} kind="danger" onSend=${leave} onClose=${onClose}>
        ${me.has_password !== false && html`<${Field} label=${say("yourPassword")} name="ownPassword" type="password" autocomplete="current-password" required />`}
        ${me.second_factor && html`<${CodeField} hint=${say("codeHint")} name="ownCode" />`}
      <//>
    </dialog>`;
};

/** @param {{me: Api["Me"]}} props */
export const MyDeletion = ({ me }) => {
  const [asking, setAsking] = useState(false);
  return html`
    <section class="card">
      <h2>${say("deleteOwn")}</h2>
      <p>${say("deleteOwnText")}</p>
      <p><button class="danger" onClick=${() => setAsking(true)}>${say("deleteOwn")}…</button></p>
      ${asking && html`<${AskDeletion} me=${me} onClose=${() => setAsking(false)} />`}
    </section>`;
};
