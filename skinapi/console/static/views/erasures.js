// @ts-check
// The erasures of accounts: which wait, which medical records are kept, and the receipts.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get } from "/console/api.js";
import { Answer, useAnswer } from "/console/components.js";
import { isolated, say, sayCount, sayDate } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { Table } from "/console/views/tables.js";

/** @param {string | null | undefined} moment */
const day = (moment) => (moment ? sayDate(moment, false) : "");

const Waiting = () => {
  const answer = useAnswer(() => get("/erasures/waiting"), []);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Api["WaitingErasures"]} */ { deletions, records }) => html`
        <h2>${say("waitingDeletions")}</h2>
        ${deletions.length > 0
          ? html`<${Table} title=${say("waitingDeletions")} rows=${deletions} columns=${[
              [say("account"), (/** @type {Api["WaitingDeletion"]} */ one) => isolated(one.email)],
              [say("role"), (/** @type {Api["WaitingDeletion"]} */ one) => say(/** @type {WordKey} */ (`role_${one.role}`))],
              [say("deletedOn"), (/** @type {Api["WaitingDeletion"]} */ one) => day(one.deletion_at)],
            ]} />`
          : html`<p>${say("noWaitingDeletions")}</p>`}
        ${records.length > 0 && html`
          <h2>${say("keptRecords")}</h2>
          <${Table} title=${say("keptRecords")} rows=${records} columns=${[
            [say("account"), (/** @type {Api["KeptRecord"]} */ one) => html`<code class="wrap">${one._id}</code>`],
            [say("keptUntil"), (/** @type {Api["KeptRecord"]} */ one) => day(one.kept_until)],
          ]} />`}`}
    <//>`;
};

/** @param {Api["ReceiptView"]} one */
const backupsOf = (one) => (one.backups.length > 0 ? sayCount("backups", one.backups.length) : say("inNoBackup"));

export const Section = () => {
  const pages = usePages("/erasures");
  return html`
    <section class="card">
      <p>${say("erasuresText")}</p>
      <${Waiting} />
      <h2>${say("receipts")}</h2>
      <${Pages} pages=${pages} empty=${html`<p>${say("noReceipts")}</p>`}>
        ${(/** @type {Api["ReceiptView"][]} */ items) => html`<${Table} title=${say("receipts")} rows=${items} columns=${[
          [say("receipt"), (/** @type {Api["ReceiptView"]} */ one) => html`<a href=${apiPath`/receipts/verify/${one.code}`} target="_blank" rel="noopener">${one.code.slice(0, 8)}</a>`],
          [say("begun"), (/** @type {Api["ReceiptView"]} */ one) => sayDate(one.begun_at)],
          [say("finished"), (/** @type {Api["ReceiptView"]} */ one) => (one.completed_at ? sayDate(one.completed_at) : say("underWay"))],
          [say("erasureAskedBy"), (/** @type {Api["ReceiptView"]} */ one) => say(/** @type {WordKey} */ (`erasure_by_${one.asked_by}`))],
          [say("extent"), (/** @type {Api["ReceiptView"]} */ one) => say(/** @type {WordKey} */ (`erasure_of_${one.extent}`))],
          [say("inBackups"), backupsOf],
        ]} />`}
      <//>
    </section>`;
};
