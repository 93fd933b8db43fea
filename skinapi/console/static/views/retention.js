// What is deleted by age, which accounts an admin keeps, and what was erased.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, put, remove } from "/console/api.js";
import { Field, Form, Load, toast, useAct } from "/console/components.js";
import { isolated, say, sayCount, sayDate, sayValue } from "/console/language.js";
import { Pages, Table, usePages } from "/console/lists.js";

/** @typedef {Api["RetentionView"]} Retention */

/** How long a kind is kept. @param {{kind: Api["RetainedKindView"]}} props */
const KindRow = ({ kind: { kind, setting, days } }) => html`
  <dt>${sayValue("retainedKind", kind)}</dt>
  <dd>${days ? sayCount("days", days) : say("retentionForEver")} <small><code>${setting}</code></small>
    ${days && html`<br /><small>${sayValue("retainedRule", kind)}</small>`}</dd>`;

/** Accounts of which nothing is deleted by age. @param {{kept: Retention["kept"], onChange: () => void}} props */
const Kept = ({ kept, onChange }) => {
  const { run, busy, failed } = useAct();
  const keep = async (/** @type {Record<string, string>} */ { email, reason }) => {
    await put(apiPath`/users/${email.trim()}/keep`, { reason });
    toast(say("keptNow"));
    onChange();
  };
  const end = (/** @type {string} */ one) => put(apiPath`/users/${one}/keep`, { reason: null }).then(onChange);
  return html`
    <h2>${say("keptAccounts")}</h2>
    <p>${say("keepText")}</p>
    ${failed}
    ${kept.map((one) => html`
      <section class="card" aria-label=${one.email}>
        <p><strong>${isolated(one.email)}</strong></p><p>${isolated(one.reason)}</p>
        <button class="quiet" disabled=${busy} onClick=${() => run(() => end(one.email))}>${say("keepEnd")}</button>
      </section>`)}
    <details class="card"><summary>${say("keepAccount")}</summary>
      <${Form} label=${say("keepAccount")} kind="" onSend=${keep}>
        <${Field} label=${say("email")} name="email" type="email" required maxlength="200" />
        <${Field} label=${say("reason")} name="reason" hint=${say("keepReasonHint")} required maxlength="200" />
      <//>
    </details>`;
};

export const Retained = () => html`
  <${Load} ask=${() => get("/retention")}>${(/** @type {Retention} */ { kinds, kept }, /** @type {() => void} */ reload) => html`
    <dl class="pairs">${kinds.map((kind) => html`<${KindRow} key=${kind.kind} kind=${kind} />`)}</dl>
    <${Kept} key=${kept.length} kept=${kept} onChange=${reload} />`}<//>`;

/** By which settings data leaves this server. */
export const Leaves = () => html`
  <${Load} ask=${() => get("/admin/overview")}>${(/** @type {Api["Overview"]} */ { leaves }) => html`
    ${leaves.length > 0
      ? html`<dl class="pairs">${leaves.map((name) => html`<dt><code>${name}</code></dt><dd>${sayValue("leaves", name.toLowerCase())}</dd>`)}</dl>`
      : html`<p>${say("leavesNothing")}</p>`}
    <p>${say("leavesElsewhere")} <a href="#/integrations">${say("title_integrations")}</a></p>`}<//>`;

export const Erasures = () => {
  const pages = usePages("/erasures");
  return html`
    <section class="card">
      <p>${say("erasuresText")}</p>
      <h2>${say("receipts")}</h2>
      <${Pages} pages=${pages} empty=${html`<p>${say("noReceipts")}</p>`}>
        ${(/** @type {Api["ReceiptView"][]} */ items) => html`<${Table} title=${say("receipts")} rows=${items} columns=${[
          [say("receipt"), (/** @type {Api["ReceiptView"]} */ one) => html`<a href=${apiPath`/receipts/verify/${one.code}`} target="_blank" rel="noopener">${one.code.slice(0, 8)}</a>`],
          [say("closedOn"), (/** @type {Api["ReceiptView"]} */ one) => sayDate(one.closed_at)],
          [say("finished"), (/** @type {Api["ReceiptView"]} */ one) => (one.completed_at ? sayDate(one.completed_at) : say("underWay"))],
          [say("erasureAskedBy"), (/** @type {Api["ReceiptView"]} */ one) => say(/** @type {WordKey} */ (`erasure_by_${one.asked_by}`))],
        ]} />`}
      <//>
    </section>`;
};
