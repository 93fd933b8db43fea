// The end of one's account: what goes and what stays, the wait, and the receipt.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, deleteAccount, get, remove, setSession } from "/console/api.js";
import { Answer, Field, Form, toast, useAnswer, useModal } from "/console/components.js";
import { say, sayCount, sayDate, sayList, sayNumber } from "/console/language.js";
import { Unsettled } from "/console/views/unsettled.js";
import { CodeField } from "/console/views/login.js";

const FINDINGS = "findings";
const COUNTED = [FINDINGS, "photos", "spots", "messages"];

/** What the law keeps, where it keeps something. @param {{preview: Api["DeletionPreview"]}} props */
const Kept = ({ preview }) => preview.kept_until && html`
  <p><strong>${say("recordKept", {
    findings: sayCount(FINDINGS, preview.kept_findings.length), until: sayDate(preview.kept_until, false),
  })}</strong></p>
  <p>${preview.kept_findings.map((number, at) => html`${at > 0 && ", "}<a href=${`#/finding/${number}`}>${say("findingNumber", { number: sayNumber(number) })}</a>`)}</p>`;

/** The code, as long as the page is there: it is nowhere else but in the mail. @param {{code: string, onClose: () => void}} props */
const Receipt = ({ code, onClose }) => html`
  <h2>${say("ownAccountDeleted")}</h2>
  <p>${say("receiptText")}</p>
  <p><a href=${apiPath`/receipts/verify/${code}`} target="_blank" rel="noopener"><code class="wrap">${code}</code></a></p>
  <div class="row end">
    <button class="primary" onClick=${onClose}>${say("done")}</button>
  </div>`;

/** Asked once, in words of what goes and what stays. @param {{me: Api["Me"], preview: Api["DeletionPreview"], onWait: () => void, onClose: () => void}} props */
const AskDeletion = ({ me, preview, onWait, onClose }) => {
  const dialog = useModal();
  const [code, setCode] = useState("");
  const leave = async (/** @type {Record<string, string>} */ { ownPassword = "", ownCode }) => {
    const answer = await deleteAccount({ current_password: ownPassword, ...(ownCode && { code: ownCode }) });
    if (answer.deletion_at) onWait();
    else setCode(answer.receipt);
  };
  const close = () => {
    onClose();
    if (code) setSession(null);
  };
  const counts = COUNTED.filter((kind) => preview.erased[kind]).map((kind) => sayCount(kind, preview.erased[kind] ?? 0));
  return html`
    <dialog ref=${dialog} aria-label=${say("deleteOwnAsk")} onClose=${close}>
      ${code ? html`<${Receipt} code=${code} onClose=${close} />` : html`
        <h2>${say("deleteOwnAsk")}</h2>
        <p>${say(me.role !== "user" ? "deleteOwnGoesOfStaff" : preview.kept_until ? "deleteOwnGoesButRecord" : "deleteOwnGoes")}</p>
        ${counts.length > 0 && html`<p>${say("deletedNow", { counts: sayList(counts) })}</p>`}
        <${Unsettled} unsettled=${preview.unsettled} title=${say("unsettledOwn")} after=${say("toReachAddress")} />
        <${Kept} preview=${preview} />
        <p>${say(me.role === "doctor" ? "deleteOwnStaysOfDoctor" : "deleteOwnStays")}</p>
        <p>${preview.wait_days > 0 ? say("deletionWait", { days: sayCount("days", preview.wait_days) }) : say("noWayBack")}</p>
        <${Form} label=${say("deleteOwn")} kind="danger" onSend=${leave} onClose=${close}>
          ${me.has_password !== false && html`<${Field} label=${say("yourPassword")} name="ownPassword" type="password" autocomplete="current-password" required />`}
          ${me.second_factor && html`<${CodeField} hint=${say("codeHint")} name="ownCode" />`}
        <//>`}
    </dialog>`;
};

export async function takeDeletionBack() {
  await remove("/me/deletion");
  toast(say("deletionTakenBack"));
}

export const MyDeletion = (/** @type {{me: Api["Me"]}} */ { me }) => {
  const answer = useAnswer(() => get("/me/deletion"), []);
  const [asking, setAsking] = useState(false);
  const wait = () => {
    setAsking(false);
    answer.reload();
    toast(say("deletionPlanned"));
  };
  return html`
    <section class="card">
      <${Answer} answer=${answer}>
        ${(/** @type {Api["DeletionPreview"]} */ preview) => preview.deletion_at
          ? html`
            <p><strong>${say("deletionWaits", { date: sayDate(preview.deletion_at) })}</strong></p>
            <p>${say("deletionWaitsText")}</p>
            <${Kept} preview=${preview} />
            <p><button onClick=${() => takeDeletionBack().then(answer.reload, answer.reload)}>${say("takeDeletionBack")}</button></p>`
          : html`
            <p><button class="danger" onClick=${() => setAsking(true)}>${say("deleteOwn")}…</button></p>
            ${asking && html`<${AskDeletion} me=${me} preview=${preview} onWait=${wait} onClose=${() => setAsking(false)} />`}`}
      <//>
    </section>`;
};
