// @ts-check
// Why somebody who has an account cannot log in yet, or any more, and what cannot wait for that.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Load, useAnswer } from "/console/components.js";
import { getLanguage, say } from "/console/language.js";

/** @param {{argument?: string}} props `suspended`, or else it waits for approval */
export const View = ({ argument }) => {
  const bands = useAnswer(getConditions, []).value?.bands ?? [];
  const urge = bands.find((/** @type {Api["BandEntry"]} */ { key }) => key === "doctor_review")?.[getLanguage()].action;
  const suspended = argument === "suspended";
  return html`
    <div class="card narrow">
      <h1>${say(suspended ? "suspendedTitle" : "waitingTitle")}</h1>
      <p>${say(suspended ? "suspendedText" : "waitingText")}</p>
      ${!suspended && html`<ol><li>${say("waitingStep1")}</li><li>${say("waitingStep2")}</li></ol>`}
      <p><strong>${say("waitingUrgent")}</strong> ${urge}</p>
      <a class="button" href="#/sample">${say("trySample")}</a>
    </div>`;
};

/** What `children` makes of the account; before that is approved, what comes next. @param {{children: (me: Api["Me"]) => unknown}} props */
export const Approved = ({ children }) => html`
  <${Load} ask=${() => get("/me")}>${(/** @type {Api["Me"]} */ me) => (me.status === "waiting" ? html`<${View} />` : children(me))}<//>`;
