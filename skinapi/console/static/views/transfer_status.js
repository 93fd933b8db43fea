// @ts-check
// How far an upload is, wherever one looks at it.

import { html, useEffect, useReducer } from "/console/vendor/htm-preact-3.1.1.js";
import { Message } from "/console/components.js";
import { say, sayBytes, sayPercent } from "/console/language.js";
import { cancelTransfer, continueTransfer, getTransfer, onTransfer } from "/console/views/transfer.js";

/** The upload that is on its way, or null. */
export function useTransfer() {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => onTransfer(() => redraw(0)), []);
  return getTransfer();
}

/** How far the upload is, with the ways out. @param {{transfer: import("/console/views/transfer.js").State}} props */
export const TransferStatus = ({ transfer }) => {
  const { phase, purpose, sent, total, error } = transfer;
  const share = sent / Math.max(1, total);
  return html`
    <section class="card transfer" aria-label=${say("uploadOf", { name: purpose.name })}>
      <div class="row between"><h2>${say("uploadOf", { name: purpose.name })}</h2><strong>${sayPercent(Math.floor(1000 * share) / 1000)}</strong></div>
      <progress max="1" value=${share} aria-label=${say("uploadOf", { name: purpose.name })}></progress>
      <p><small>${say("uploadedOf", { sent: sayBytes(sent), total: sayBytes(total) })}
        ${phase === "sending" && html` ${say("uploadGoesOn")}`}</small></p>
      ${phase === "waiting" && html`<${Message}>${say(error?.status === 0 ? "uploadWaits" : "uploadWaitsBusy")}<//>`}
      ${phase === "failed" && error && html`<${Message} kind="bad">${purpose.sayFault(error)}<//>`}
      <div class="row">
        ${phase !== "sending" && html`<button class="primary" onClick=${continueTransfer}>${say("tryAgain")}</button>`}
        <button class="danger" onClick=${cancelTransfer}>${say("cancelUpload")}</button>
      </div>
    </section>`;
};
