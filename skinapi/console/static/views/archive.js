// @ts-check
// The clinic's picture archive, for admins: where findings are sent, after what, and how that went.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Answer, useAnswer } from "/console/components.js";
import { isolated, say, sayValue } from "/console/language.js";
import { Deliveries } from "/console/views/deliveries.js";

export const Section = () => {
  const answer = useAnswer(() => get("/archive"), []);
  return html`
    <${Answer} answer=${answer}>${(/** @type {Api["ArchiveView"]} */ { address, sends_after }) => html`
      ${address === null ? html`<p>${say("archiveNone")}</p>` : html`
        <p>${sayValue("archive_after", sends_after)}</p>
        <p class="address"><strong>${isolated(address)}</strong></p>`}
      <section class="card" aria-label=${say("deliveries")}><h2>${say("deliveries")}</h2>
        <${Deliveries} path="/archive/deliveries" mayResend=${address !== null} /></section>`}<//>`;
};
