// @ts-check
// What leaves the server and to whom: a drawing, and the same in words.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getFile } from "/console/api.js";
import { Answer, Load, useAnswer } from "/console/components.js";
import { getLanguage, isolated, say, sayList } from "/console/language.js";
import { getRegister } from "/console/views/processing_register.js";

/** @param {{recipient: Api["RecipientView"]}} props */
const Recipient = ({ recipient: { title, text, on, to, kinds, setting, outside } }) => html`
  <li><div class="grow"><strong>${title}</strong>
    ${on && html`<span>${to.map((one) => html`${isolated(one)} `)}</span>`}
    <small>${text}${kinds.length > 0 && html` (${sayList(kinds)})`}</small>
    ${on && html`<small>${say(outside ? "flowOutside" : "flowInside")}</small>`}
    <small>${setting.startsWith("#/") ? html`<a href=${setting}>${say("flowWhere")}</a>` : html`<code>${setting}</code>`}</small></div></li>`;

/** @param {{title: string, recipients: Api["RecipientView"][]}} props */
const Recipients = ({ title, recipients }) =>
  recipients.length > 0 && html`<h2>${title}</h2><ul class="list">${recipients.map((recipient) => html`<${Recipient} recipient=${recipient} />`)}</ul>`;

export const Section = () => {
  const language = getLanguage();
  const answer = useAnswer(getRegister, [language]);
  return html`
    <p class="lead">${say("flowText")}</p>
    <${Load} ask=${() => getFile(`/data-protection/data-flow.svg?lang=${language}`, "image/svg+xml")} inputs=${[language]}>
      ${(/** @type {string} */ address) => html`
        <div class="scroll" tabindex="0" role="region" aria-label=${say("protection_flow")}><img src=${address} alt=${say("flowAlt")} /></div>`}<//>
    <${Answer} answer=${answer}>${(/** @type {Api["RegisterView"]} */ { recipients }) => html`
      <${Recipients} title=${say("flowOn")} recipients=${recipients.filter(({ on }) => on)} />
      <${Recipients} title=${say("flowOff")} recipients=${recipients.filter(({ on }) => !on)} />`}<//>`;
};
