// What a patient and the doctor in charge write to each other about no spot.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon, Load } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { OwnConversation } from "/console/views/conversation.js";
import { getFinding } from "/console/views/finding.js";
import { Approved } from "/console/views/login.js";

/** The finding that one has come from, which a message names; null without one. @param {string | null} number */
const findAbout = async (number) => (number && /^\d+$/.test(number) ? getFinding(number).catch(() => null) : null);

/** `filters` may name a finding, which the message is about. @param {{filters: URLSearchParams}} props */
export const View = ({ filters }) => html`
  <p><a href="#/spots"><${Icon} name="back" size=${16} />${say("title_spots")}</a></p>
  <${Approved}>${(/** @type {Api["Me"]} */ me) => html`
    <h1>${me.doctor_name ? say("writeTo", { name: isolated(me.doctor_name) }) : say("title_messages")}</h1>
    <${Load} ask=${() => findAbout(filters.get("finding"))} inputs=${[filters.get("finding")]}>
      ${(/** @type {Api["FindingInCareView"] | null} */ about) => html`<${OwnConversation} me=${me} about=${about} wanted />`}
    <//>`}
  <//>`;
