// What is sent to webhooks, for admins.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, put } from "/console/api.js";
import { Empty, Load, useAct } from "/console/components.js";
import { isolated, say, sayAge, sayValue } from "/console/language.js";
import { Deliveries, nameOfDeliveries, sayEvent } from "/console/views/deliveries.js";

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
      <details onToggle=${(/** @type {DetailsEvent} */ event) => setOpen(event.target.open)}><summary>${nameOfDeliveries()}</summary>
        ${open && html`<${Deliveries} path=${`${path}/deliveries`} mayResend=${enabled} />`}</details>
    </section>`;
};

export const View = () => html`
  <p>${say("webhooksText")}</p>
  <${Load} ask=${() => get("/webhooks")}>${(/** @type {Webhook[]} */ found, /** @type {() => void} */ reload) => found.length === 0
    ? html`<${Empty} title=${say("webhooksEmpty")} />`
    : found.map((one) => html`<${WebhookCard} key=${one.id} webhook=${one} onChange=${reload} />`)}<//>`;
