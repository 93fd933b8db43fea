// @ts-check
// The register of processing, as the server makes it of what it stores and of its settings.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, saveFile } from "/console/api.js";
import { Answer, Message, useAct, useAnswer } from "/console/components.js";
import { colon, getLanguage, isolated, say, sayDate, sayList } from "/console/language.js";

/** @typedef {Api["RegisterView"]} Register */
const FILES = /** @type {const} */ ([["html", "text/html", "processingPrint"], ["csv", "text/csv", "exportCsv"], ["json", "application/json", "exportJson"]]);
const PATH = "/data-protection/register";

/** In the language that is read here. */
export const getRegister = () => get(`${PATH}?lang=${getLanguage()}`);

/** What is not set, with the name of the setting. @param {string | null} text @param {string} setting */
const orUnset = (text, setting) => (text ? isolated(text) : html`${say("settingUnset")} <code>${setting}</code>`);

/** @param {{activity: Api["ActivityView"]}} props */
const Activity = ({ activity }) => html`
  <section class="card" aria-label=${activity.title}>
    <h3>${activity.title}</h3>
    <p>${activity.text}</p>
    ${activity.persons.length > 0 && html`
      <p>${say("processingPersons")}${colon()} ${sayList(activity.persons)}</p>
      <p>${say("processingKinds")}${colon()} ${sayList(activity.kinds)}</p>`}
    ${activity.retention.length > 0 && html`<details><summary>${say("processingRetention")}</summary>
      <ul>${activity.retention.map(({ title, until }) => html`<li>${title}${colon()} ${until}</li>`)}</ul></details>`}
  </section>`;

const Files = () => {
  const { run, failed } = useAct();
  return html`
    <p class="row"><span>${say("processingSave")}</span>
      ${FILES.map(([format, type, label]) => html`<button onClick=${() => run(() => saveFile(`${PATH}?lang=${getLanguage()}&format=${format}`, type, `register.${format}`))}>${say(label)}</button>`)}</p>
    ${failed}`;
};

export const Section = () => {
  const answer = useAnswer(getRegister, [getLanguage()]);
  return html`
    <${Answer} answer=${answer}>${(/** @type {Register} */ register) => html`
      <p class="lead">${say("processingText", { date: sayDate(register.made_at) })}</p>
      <${Files} />
      <h2>${say("processingController")}</h2>
      <dl class="pairs"><dt>${say("processingName")}</dt><dd>${orUnset(register.controller, "CLINIC_NAME")}</dd>
        <dt>${say("processingContact")}</dt><dd>${orUnset(register.contact, "PRIVACY_CONTACT")}</dd></dl>
      <h2>${say("processingPurposes")}</h2>
      ${register.activities.map((activity) => html`<${Activity} activity=${activity} />`)}
      <h2>${say("processingRecipients")}</h2>
      <p>${sayList(register.recipients.filter(({ on }) => on).map(({ title }) => title)) || say("flowNone")}. <a href="#/data-protection/flow">${say("protection_flow")}</a></p>
      <h2>${say("processingMeasures")}</h2>
      <ul>${register.measures.map((measure) => html`<li>${measure}</li>`)}</ul>
      <${Message}>${say("processingYours")}<//>`}<//>`;
};
