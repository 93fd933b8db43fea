// What a patient and the doctor in charge write to each other about no spot.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { OwnConversation } from "/console/views/conversation.js";
import { Approved } from "/console/views/login.js";

export const View = () => html`
  <p><a href="#/spots"><${Icon} name="back" size=${16} />${say("title_spots")}</a></p>
  <${Approved}>${(/** @type {Api["Me"]} */ me) => html`
    <h1>${me.doctor_name ? say("writeTo", { name: isolated(me.doctor_name) }) : say("title_messages")}</h1>
    <${OwnConversation} me=${me} wanted />`}
  <//>`;
