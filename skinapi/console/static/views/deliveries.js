// What is sent to other systems, for admins: how each delivery went.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, post } from "/console/api.js";
import { toast, useAct } from "/console/components.js";
import { say, sayCount, sayDate, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";

/** @typedef {{id: string, type: string, finding?: number | null, created_at: string, attempts: number, answer: number | null,
 *   fault: string | null, due_at: string | null, state: string}} Delivery */

const SHOWN = 20;

export const sayEvent = (/** @type {string} */ type) => sayValue("event", type.replace(".", "_"));

/** @param {Delivery} one */
const sayDelivery = ({ type, finding }) => (finding ? say("findingNumber", { number: String(finding) }) : sayEvent(type));

/** A receiver may name its reason by a code. @param {string} fault */
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

export const nameOfDeliveries = () => say("deliveries");

/** What was sent to an endpoint in the last days, or waits for it. `path` is the list's, and "send again" of one is below it.
 * @param {{path: string, mayResend: boolean}} props */
export const Deliveries = ({ path, mayResend }) => {
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
