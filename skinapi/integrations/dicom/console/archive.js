// What is sent to the clinic's archive of pictures, for admins.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Load } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { Deliveries, nameOfDeliveries } from "/console/views/deliveries.js";

export const View = () => html`
  <${Load} ask=${() => get("/archive")}>${(/** @type {Api["ArchiveView"]} */ { address }) => html`
    ${address === null ? html`<p>${say("archiveNone")}</p>` : html`
      <p>${say("archiveAfter")}</p>
      <p class="address"><strong>${isolated(address)}</strong></p>
      <section class="card" aria-label=${nameOfDeliveries()}><h2>${nameOfDeliveries()}</h2>
        <${Deliveries} path="/archive/deliveries" mayResend /></section>`}`}<//>`;
