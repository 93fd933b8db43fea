// @ts-check
// Whether somebody may send photos yet.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Load } from "/console/components.js";
import { View as Waiting } from "/console/views/waiting.js";

/** What `children` makes of the account; before that is approved, what comes next. @param {{children: (me: Api["Me"]) => unknown}} props */
export const Approved = ({ children }) => html`
  <${Load} ask=${() => get("/me")}>${(/** @type {Api["Me"]} */ me) => (me.status === "waiting" ? html`<${Waiting} />` : children(me))}<//>`;
