// The end of one's account: what waits, what goes and what stays, and the receipt.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, deleteAccount, get, setSession } from "/console/api.js";
import { Answer, Field, Form, useAnswer, useModal } from "/console/components.js";
import { say, sayCount, sayDate } from "/console/language.js";
import { Unsettled } from "/console/views/unsettled.js";
import { CodeField } from "/console/views/login.js";

/** The code, as long as the page is there: it is nowhere else but in the mail. @param {{answer: Api["DeletedAccount"], onClose: () => void}} props */
const Receipt = ({ answer: { receipt, deletion_at: date }, onClose }) => html`
  <h2>${say(date ? "ownAccountClosed" : "ownAccountDeleted")}</h2>
  ${date && html`<p>${say("deletionWaits", { date: sayDate(date, false) })}</p>`}
  <p>${say("receiptText")}</p>
  <p><a href=${apiPath`/receipts/verify/${receipt ?? ""}`} target="_blank" rel="noopener"><code class="wrap">${receipt}</code></a></p>
  <div class="row end">
    <button class="primary" onClick=${onClose}>${say("done")}</button>
  </div>`;

/** Asked once, in words of what goes and what stays. @param {{me: Api["Me"], preview: Api["ClosingPreview"], onClose: () => void}} props */
const AskDeletion = ({ me, preview, onClose }) => {
  const dialog = useModal();
  const [done, setDone] = useState(/** @type {Api["DeletedAccount"] | null} */ (null));
  const leave = async (/** @type {Record<string, string>} */ { ownPassword = "", ownCode }) =>
    setDone(await deleteAccount({ current_password: ownPassword, ...(ownCode && { code: ownCode }) }));
  const close = () => {
    onClose();
    if (done) setSession(null);
  };
  const until = preview.record_kept_until;
  return html`
    <dialog ref=${dialog} aria-label=${say("deleteOwnAsk")} onClose=${close}>
      ${done ? html`<${Receipt} answer=${done} onClose=${close} />` : html`
        <h2>${say("deleteOwnAsk")}</h2>
        <p>${say(me.role === "user" ? "deleteOwnGoes" : "deleteOwnGoesOfStaff")}</p>
        <${Unsettled} unsettled=${preview.unsettled} title=${say("unsettledOwn")} after=${say("unsettledWaits")} />
        ${until && html`<p><strong>${say("recordKept", { until: sayDate(until, false) })}</strong></p>`}
        <p>${say(me.role === "doctor" ? "deleteOwnStaysOfDoctor" : "deleteOwnStays")}</p>
        <p>${preview.wait_days > 0 ? say("deletionWait", { days: sayCount("days", preview.wait_days) }) : say("noWayBack")}</p>
        <${Form} label=${say("deleteOwn")} kind="danger" onSend=${leave} onClose=${close}>
          ${me.has_password !== false && html`<${Field} label=${say("yourPassword")} name="ownPassword" type="password" autocomplete="current-password" required />`}
          ${me.second_factor && html`<${CodeField} hint=${say("codeHint")} name="ownCode" />`}
        <//>`}
    </dialog>`;
};

export const MyDeletion = (/** @type {{me: Api["Me"]}} */ { me }) => {
  const answer = useAnswer(() => get("/me/deletion"), []);
  const [asking, setAsking] = useState(false);
  return html`
    <section class="card">
      <${Answer} answer=${answer}>
        ${(/** @type {Api["ClosingPreview"]} */ preview) => html`
          <p><button class="danger" onClick=${() => setAsking(true)}>${say("deleteOwn")}…</button></p>
          ${asking && html`<${AskDeletion} me=${me} preview=${preview} onClose=${() => setAsking(false)} />`}`}
      <//>
    </section>`;
};
