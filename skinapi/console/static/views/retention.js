// What goes by its time, who stops it, and what was erased.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, put, remove } from "/console/api.js";
import { AskFirst, Change, Field, Form, Load, Message, onValue, toast, useAct } from "/console/components.js";
import { isolated, say, sayCount, sayDate, sayList, sayValue } from "/console/language.js";
import { Pages, Table, usePages } from "/console/lists.js";

/** @typedef {Api["RetainedKindView"]} Kind */
/** @typedef {Api["RetentionView"]} Retention */

/** So many of a kind, of so many people. @param {string} kind @param {{items: number, persons: number}} going */
const sayGoing = (kind, { items, persons }) => {
  const going = sayCount(`retained_${kind}`, items);
  return kind === "accounts" ? going : say("retentionOf", { items: going, persons: sayCount("people", persons) });
};

/** What goes when; of what is kept for ever, that it is. @param {{kind: Kind}} props */
const KindRow = ({ kind }) => {
  const { days, first, month, acts_from: from } = kind;
  const waits = from && new Date(from) > new Date();
  return html`
    <dt>${sayValue("retainedKind", kind.kind)}</dt>
    <dd>${days ? html`${sayCount("days", days)} <small><code>${kind.setting}</code></small>
      <br /><small>${sayValue("retainedRule", kind.kind)}</small>
      ${waits && html`<br /><strong>${say("retentionActsFrom", { date: sayDate(from, false) })}</strong>`}
      <br />${first ? html`<strong>${say("retentionFirst", { date: sayDate(first.at, false), what: sayGoing(kind.kind, first) })}</strong>` : say("retentionNothing")}
      ${month && html`<br />${say("retentionMonth", { what: sayGoing(kind.kind, month) })}`}` : html`${say("retentionForEver")} <small><code>${kind.setting}</code></small>`}</dd>`;
};

/** Nothing goes from then on. @param {{label: string, name: string, children?: unknown, onStop: (reason: string) => Promise<void>}} props */
const StopForm = ({ label, name, children, onStop }) => {
  const [reason, setReason] = useState("");
  return html`
    <${Form} label=${label} kind="" onSend=${() => onStop(reason)}>
      ${children}
      <${Field} label=${say("reason")} name=${name} hint=${say("retentionReasonHint")} required maxlength="200" value=${reason} onInput=${onValue(setReason)} />
    <//>`;
};

const Pause = (/** @type {{pause: Retention["pause"], onChange: () => void}} */ { pause, onChange }) => {
  const resume = async () => {
    await remove("/retention/pause");
    toast(say("retentionResumed"));
    onChange();
  };
  const stop = async (/** @type {string} */ reason) => {
    await put("/retention/pause", { reason });
    toast(say("retentionPaused"));
    onChange();
  };
  if (pause)
    return html`
      <${Message} kind="bad">${say("retentionPausedSince", { date: sayDate(pause.since), reason: isolated(pause.reason) })}<//>
      <p><${AskFirst} words=${say("retentionResume")} kind="primary" onConfirm=${resume}><${Change} before=${say("retentionPaused")} after=${say("retentionResumed")} /><//></p>`;
  return html`<details class="card"><summary>${say("retentionPause")}</summary><p>${say("retentionPauseText")}</p>
    <${StopForm} label=${say("retentionPause")} name="pauseReason" onStop=${stop} /></details>`;
};

/** Patients of whom nothing goes. @param {{held: Retention["held"], onChange: () => void}} props */
const Held = ({ held, onChange }) => {
  const { run, busy, failed } = useAct();
  const [email, setEmail] = useState("");
  const stop = async (/** @type {string} */ reason) => {
    await put(apiPath`/retention/holds/${email.trim()}`, { reason });
    toast(say("retentionHeld"));
    onChange();
  };
  const release = async (/** @type {string} */ account) => {
    await remove(apiPath`/retention/holds/${account}`);
    onChange();
  };
  return html`
    <p>${say("retentionHoldText")}</p>
    ${failed}
    ${held.map((one) => html`
      <section class="card" aria-label=${one.email}>
        <p><strong>${isolated(one.email)}</strong> · ${sayDate(one.since, false)}</p><p>${isolated(one.reason)}</p>
        <button class="quiet" disabled=${busy} onClick=${() => run(() => release(one.account))}>${say("retentionRelease")}</button>
      </section>`)}
    <details class="card"><summary>${say("retentionHold")}</summary>
      <${StopForm} label=${say("retentionHold")} name="holdReason" onStop=${stop}>
        <${Field} label=${say("email")} name="holdEmail" type="email" required maxlength="200" value=${email} onInput=${onValue(setEmail)} />
      <//>
    </details>`;
};

const Runs = (/** @type {{runs: Retention["runs"]}} */ { runs }) =>
  runs.length > 0 && html`<h2>${say("retentionRuns")}</h2>
    <dl class="pairs">${runs.map((run) => html`<dt>${sayDate(run.at)}</dt><dd>${sayGoing(run.kind, run)}</dd>`)}</dl>`;

export const Retained = () => html`
  <${Load} ask=${() => get("/retention")}>${(/** @type {Retention} */ { kinds, fixed, pause, held, runs }, /** @type {() => void} */ reload) => html`
    <dl class="pairs">${kinds.map((kind) => html`<${KindRow} key=${kind.kind} kind=${kind} />`)}</dl>
    <p>${say("retentionFixedText", { what: sayList(fixed.map((one) => say("retentionFixedOne", { what: sayValue("fixedKind", one.kind), days: sayCount("days", one.days) }))) })}</p>
    <${Pause} pause=${pause} onChange=${reload} />
    <h2>${say("retentionHolds")}</h2>
    <${Held} key=${held.length} held=${held} onChange=${reload} />
    <${Runs} runs=${runs} />`}<//>`;

/** By which settings data leaves this server. */
export const Leaves = () => html`
  <${Load} ask=${() => get("/admin/overview")}>${(/** @type {Api["Overview"]} */ { leaves }) => html`
    ${leaves.length > 0
      ? html`<dl class="pairs">${leaves.map((name) => html`<dt><code>${name}</code></dt><dd>${sayValue("leaves", name.toLowerCase())}</dd>`)}</dl>`
      : html`<p>${say("leavesNothing")}</p>`}
    <p>${say("leavesElsewhere")} <a href="#/integrations">${say("title_integrations")}</a></p>`}<//>`;

const day = (/** @type {string | null | undefined} */ moment) => (moment ? sayDate(moment, false) : "");

const Waiting = () => html`
  <${Load} ask=${() => get("/erasures/waiting")}>
    ${(/** @type {Api["WaitingErasures"]} */ { deletions, records }) => html`
      ${deletions.length > 0 && html`
        <h2>${say("waitingDeletions")}</h2>
        <${Table} title=${say("waitingDeletions")} rows=${deletions} columns=${[
          [say("title_account"), (/** @type {Api["WaitingDeletion"]} */ one) => isolated(one.email)],
          [say("role"), (/** @type {Api["WaitingDeletion"]} */ one) => say(/** @type {WordKey} */ (`role_${one.role}`))],
          [say("deletedOn"), (/** @type {Api["WaitingDeletion"]} */ one) => day(one.deletion_at)],
        ]} />`}
      ${records.length > 0 && html`
        <h2>${say("keptRecords")}</h2>
        <${Table} title=${say("keptRecords")} rows=${records} columns=${[
          [say("title_account"), (/** @type {Api["KeptRecord"]} */ one) => html`<code class="wrap">${one._id}</code>`],
          [say("keptUntil"), (/** @type {Api["KeptRecord"]} */ one) => day(one.kept_until)],
        ]} />`}`}
  <//>`;

export const Erasures = () => {
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
        ]} />`}
      <//>
    </section>`;
};
