// @ts-check
// The webhooks, for admins: which addresses are told of what, how that went, and the form for another one.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post, put, remove } from "/console/api.js";
import { Answer, AskFirst, Empty, Field, Form, onValue, toast, useAct, useAnswer } from "/console/components.js";
import { isolated, say, sayAge, sayDate, sayValue } from "/console/language.js";
import { Deliveries, sayEvent } from "/console/views/deliveries.js";
import { Secret } from "/console/views/secret.js";

/** @typedef {Api["WebhookView"]} Webhook */

const EVENTS = ["finding.stored", "review.signed", "letter.signed", "letter.withdrawn", "request.made", "job.ended", "model.promoted", "finding.deleted", "account.erased"];

/** What an endpoint is and gets. @param {{webhook?: Webhook, label: string, onSend: (body: Record<string, unknown>) => Promise<void>}} props */
const WebhookForm = ({ webhook, label, onSend }) => {
  const [ticked, setTicked] = useState(/** @type {string[]} */ (webhook ? webhook.events : []));
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [clinical, setClinical] = useState(webhook?.clinical ?? false);
  const name = webhook?.id ?? "new";
  /** @param {string} event @param {boolean} wanted */
  const tick = (event, wanted) => setTicked(wanted ? [...ticked, event] : ticked.filter((one) => one !== event));
  const send = async () => {
    if (ticked.length === 0) throw { status: 400, message: say("webhookNeedsEvent") };
    await onSend({ url: url.trim(), events: ticked, clinical });
  };
  return html`
    <${Form} label=${label} kind=${webhook ? "" : "primary"} onSend=${send}>
      <${Field} label=${say("webhookUrl")} name=${`webhookUrl-${name}`} hint=${say("webhookUrlHint")} type="url" required maxlength="2000" value=${url} onInput=${onValue(setUrl)} />
      <fieldset><legend>${say("webhookEvents")}</legend>
        ${EVENTS.map((event) => html`<label class="tick" key=${event}><input type="checkbox" checked=${ticked.includes(event)}
          onChange=${(/** @type {FieldEvent} */ change) => tick(event, change.target.checked)} /><span>${sayEvent(event)}</span></label>`)}
      </fieldset>
      <label class="tick"><input type="checkbox" name="webhookClinical" checked=${clinical}
        onChange=${(/** @type {FieldEvent} */ change) => setClinical(change.target.checked)} /><span>${say("webhookClinical")}</span></label>
    <//>`;
};

/** @param {{webhook: Webhook, onChange: () => void, onSecret: (secret: string, until: string | null) => void}} props */
const WebhookCard = ({ webhook, onChange, onSecret }) => {
  const { run, busy, failed } = useAct();
  const [open, setOpen] = useState({ edit: false, deliveries: false });
  const path = apiPath`/webhooks/${webhook.id}`;
  /** @param {Record<string, unknown>} changed */
  const change = async (changed) => {
    const { url, events, clinical, enabled } = webhook;
    await put(path, { url, events, clinical, enabled, ...changed });
    setOpen({ ...open, edit: false });
    onChange();
  };
  const test = async () => {
    await post(`${path}/test`);
    toast(say("webhookTestSent"));
    setOpen({ ...open, deliveries: true });
  };
  const rotate = async () => {
    const { secret, former_ends_at } = await post(`${path}/secret`);
    onSecret(secret, former_ends_at);
  };
  const drop = async () => {
    await remove(path);
    toast(say("webhookDeleted"));
    onChange();
  };
  const off = !webhook.enabled && sayValue("disabled", webhook.disabled_because ?? "by_admin");
  return html`
    <section class="card" aria-label=${webhook.url}>
      <p class="address"><strong>${isolated(webhook.url)}</strong></p>
      <p>${webhook.events.map(sayEvent).join(" · ")}</p>
      <p class="row">
        ${webhook.clinical && html`<span class="mark">${say("webhookIsClinical")}</span>`}
        ${off && html`<span class="mark">${off}</span>`}
        ${webhook.enabled && webhook.failing_since && html`<span class="mark">${say("webhookFailing", { age: sayAge(webhook.failing_since) })}</span>`}</p>
      ${failed}
      <div class="row">
        ${webhook.enabled && html`<button disabled=${busy} onClick=${() => run(test)}>${say("webhookTest")}</button>`}
        <button class="quiet" disabled=${busy} onClick=${() => run(() => change({ enabled: !webhook.enabled }))}>${say(webhook.enabled ? "webhookOff" : "webhookOn")}</button>
        <${AskFirst} words=${say("webhookRotate")} look="quiet" kind="primary" onConfirm=${rotate}><p>${say("webhookRotateText")}</p><//>
        <${AskFirst} words=${say("webhookDelete")} look="quiet" onConfirm=${drop}><p>${say("webhookDeleteText")}</p><//>
      </div>
      <details open=${open.edit} onToggle=${(/** @type {any} */ event) => setOpen({ ...open, edit: event.target.open })}><summary>${say("webhookEdit")}</summary>
        ${open.edit && html`<${WebhookForm} webhook=${webhook} label=${say("save")} onSend=${change} />`}</details>
      <details open=${open.deliveries} onToggle=${(/** @type {any} */ event) => setOpen({ ...open, deliveries: event.target.open })}><summary>${say("deliveries")}</summary>
        ${open.deliveries && html`<${Deliveries} path=${`${path}/deliveries`} mayResend=${webhook.enabled} />`}</details>
    </section>`;
};

export const Section = () => {
  const answer = useAnswer(() => get("/webhooks"), []);
  const [shown, setShown] = useState(/** @type {{secret: string, until: string | null} | null} */ (null));
  const [turn, setTurn] = useState(0); // after one is added, a new form, which is empty
  /** @param {Record<string, unknown>} body */
  const add = async (body) => {
    const { secret } = await post("/webhooks", body);
    setShown({ secret, until: null });
    setTurn(turn + 1);
    answer.reload();
  };
  return html`
    <p>${say("webhooksText")}</p>
    <details class="card" key=${turn}><summary><strong>${say("webhookAdd")}</strong></summary>
      <${WebhookForm} label=${say("webhookAdd")} onSend=${add} /></details>
    <${Answer} answer=${answer}>${(/** @type {Webhook[]} */ found) => found.length === 0
      ? html`<${Empty} title=${say("webhooksEmpty")} />`
      : found.map((one) => html`<${WebhookCard} key=${one.id} webhook=${one} onChange=${answer.reload}
          onSecret=${(/** @type {string} */ secret, /** @type {string | null} */ until) => setShown({ secret, until })} />`)}<//>
    ${shown && html`<${Secret} title=${say("webhookSecret")} password=${shown.secret} onClose=${() => setShown(null)}
      text=${[say("webhookSecretText"), shown.until && say("webhookFormerUntil", { date: sayDate(shown.until) })].filter(Boolean).join(" ")} />`}`;
};
