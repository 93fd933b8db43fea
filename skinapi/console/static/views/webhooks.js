// What is sent to other systems, for admins: to the archive of pictures and to webhooks, and how each delivery went.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post, put } from "/console/api.js";
import { Empty, Load, toast, useAct } from "/console/components.js";
import { isolated, say, sayAge, sayCount, sayDate, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";

/** @typedef {Api["DeliveryView"] & {finding?: number | null}} Delivery */

const SHOWN = 20;

const sayEvent = (/** @type {string} */ type) => sayValue("event", type.replace(".", "_"));

/** @param {Delivery} one */
const sayDelivery = ({ type, finding }) => (finding ? say("findingNumber", { number: String(finding) }) : sayEvent(type));

/** An archive names its reason by a code of DICOM. @param {string} fault */
const sayFault = (fault) => (fault.startsWith("failed_") ? say("faultNamed", { code: fault.slice(7) }) : sayValue("fault", fault));

/** How a delivery went, or when it is tried next. @param {Delivery} one */
const factsOf = ({ created_at, attempts, answer, fault, due_at, state }) =>
  [
    sayDate(created_at),
    attempts > 0 && sayCount("attempts", attempts),
    answer !== null && say("deliveryAnswer", { status: String(answer) }),
    fault && sayFault(fault),
    state === "waiting" && due_at && attempts > 0 && say("deliveryNext", { date: sayDate(due_at) }),
  ].filter(Boolean);

/** What was sent to an endpoint in the last days, or waits for it. `path` is the list's, and "send again" of one is below it.
 * @param {{path: string, mayResend: boolean}} props */
const Deliveries = ({ path, mayResend }) => {
  /** @type {PagesOf<Delivery>} */
  const pages = usePages(`${path}?limit=${SHOWN}`);
  const { run, failed } = useAct();
  const again = async (/** @type {Delivery} */ { id }) => {
    await post(`${path}${apiPath`/${id}/again`}`);
    toast(say("deliverySentAgain"));
    pages.reload();
  };
  return html`
    <p class="row"><button class="quiet" onClick=${pages.reload}>${say("deliveriesRefresh")}</button></p>
    ${failed}
    <${Pages} pages=${pages} empty=${html`<p>${say("deliveriesEmpty")}</p>`}>
      ${(/** @type {Delivery[]} */ found) => html`<ul class="list">${found.map((one) => html`
        <li key=${one.id}>
          <div class="grow"><strong>${sayDelivery(one)}</strong><small>${factsOf(one).join(" · ")}</small></div>
          <span class="mark">${say(/** @type {WordKey} */ (`delivery_${one.state}`))}</span>
          ${mayResend && one.state !== "waiting" && html`<button class="quiet" onClick=${() => run(() => again(one))}>${say("deliveryAgain")}</button>`}
        </li>`)}</ul>`}
    <//>`;
};

export const Archive = () => html`
  <${Load} ask=${() => get("/archive")}>${(/** @type {Api["ArchiveView"]} */ { address, sends_after }) => html`
    ${address === null ? html`<p>${say("archiveNone")}</p>` : html`
      <p>${sayValue("archive_after", sends_after)}</p>
      <p class="address"><strong>${isolated(address)}</strong></p>
      <section class="card" aria-label=${say("deliveries")}><h2>${say("deliveries")}</h2>
        <${Deliveries} path="/archive/deliveries" mayResend /></section>`}`}<//>`;

/** @typedef {Api["WebhookView"]} Webhook */

const WebhookCard = (/** @type {{webhook: Webhook, onChange: () => void}} */ { webhook, onChange }) => {
  const { run, busy, failed } = useAct();
  const [open, setOpen] = useState(false);
  const { url, events, clinical, enabled } = webhook;
  const path = apiPath`/webhooks/${webhook.id}`;
  const change = () => run(() => put(path, { url, events, clinical, enabled: !enabled }).then(onChange));
  const off = !enabled && sayValue("disabled", webhook.disabled_because ?? "by_admin");
  return html`
    <section class="card" aria-label=${url}>
      <p class="address"><strong>${isolated(url)}</strong></p>
      <p>${events.map(sayEvent).join(" · ")}</p>
      <p class="row">
        ${clinical && html`<span class="mark">${say("webhookIsClinical")}</span>`}
        ${off && html`<span class="mark">${off}</span>`}
        ${enabled && webhook.failing_since && html`<span class="mark">${say("webhookFailing", { age: sayAge(webhook.failing_since) })}</span>`}</p>
      ${failed}
      <button class="quiet" disabled=${busy} onClick=${change}>${say(enabled ? "webhookOff" : "webhookOn")}</button>
      <details onToggle=${(/** @type {DetailsEvent} */ event) => setOpen(event.target.open)}><summary>${say("deliveries")}</summary>
        ${open && html`<${Deliveries} path=${`${path}/deliveries`} mayResend=${enabled} />`}</details>
    </section>`;
};

export const Webhooks = () => html`
  <p>${say("webhooksText")}</p>
  <${Load} ask=${() => get("/webhooks")}>${(/** @type {Webhook[]} */ found, /** @type {() => void} */ reload) => found.length === 0
    ? html`<${Empty} title=${say("webhooksEmpty")} />`
    : found.map((one) => html`<${WebhookCard} key=${one.id} webhook=${one} onChange=${reload} />`)}<//>`;
