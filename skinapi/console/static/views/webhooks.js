// @ts-check
// The webhooks, for admins: which addresses are told of what, how that went, and the form for another one.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post, put, remove } from "/console/api.js";
import { Answer, AskFirst, Empty, Field, Form, onValue, toast, useAct, useAnswer } from "/console/components.js";
import { isolated, say, sayAge, sayCount, sayDate, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { Secret } from "/console/views/account_actions.js";

/** @typedef {Api["WebhookView"]} Webhook */
/** @typedef {Api["DeliveryView"]} Delivery */

const EVENTS = ["finding.stored", "review.signed", "letter.signed", "request.made", "job.ended", "model.promoted"];
const SHOWN = 20;

/** @param {string} type */
const sayEvent = (type) => sayValue("event", type.replace(".", "_"));

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

/** How a delivery went, or when it is tried next. @param {Delivery} one */
const factsOf = ({ created_at, attempts, answer, fault, due_at, state }) =>
  [
    sayDate(created_at),
    attempts > 0 && sayCount("attempts", attempts),
    answer !== null && say("deliveryAnswer", { status: String(answer) }),
    fault && sayValue("fault", fault),
    state === "waiting" && due_at && attempts > 0 && say("deliveryNext", { date: sayDate(due_at) }),
  ].filter(Boolean);

/** @param {{webhook: Webhook}} props */
const Deliveries = ({ webhook }) => {
  /** @type {PagesOf<Delivery>} */
  const pages = usePages(apiPath`/webhooks/${webhook.id}/deliveries?limit=` + SHOWN);
  const { run, failed } = useAct();
  /** @param {Delivery} one */
  const again = async ({ id }) => {
    await post(apiPath`/webhooks/${webhook.id}/deliveries/${id}/again`);
    toast(say("deliverySentAgain"));
    pages.reload();
  };
  return html`
    <div class="row"><button class="quiet" onClick=${pages.reload}>${say("deliveriesRefresh")}</button></div>
    ${failed}
    <${Pages} pages=${pages} empty=${html`<p>${say("deliveriesEmpty")}</p>`}>
      ${(/** @type {Delivery[]} */ found) => html`<ul class="list">${found.map((one) => html`
        <li key=${one.id}>
          <div class="grow"><strong>${sayEvent(one.type)}</strong><small>${factsOf(one).join(" · ")}</small></div>
          <span class="mark">${say(/** @type {WordKey} */ (`delivery_${one.state}`))}</span>
          ${webhook.enabled && one.state !== "waiting" && html`<button class="quiet" onClick=${() => run(() => again(one))}>${say("deliveryAgain")}</button>`}
        </li>`)}</ul>`}
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
        ${open.deliveries && html`<${Deliveries} webhook=${webhook} />`}</details>
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
