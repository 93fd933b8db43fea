// @ts-check
// A patient whom another system has sent, found by its number: all that is stored, for who asks for it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post } from "/console/api.js";
import { Answer, Field, Form, useAnswer } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { FileAt } from "/console/views/my_file.js";

/** @param {{patient: Api["FoundPatient"], onShow: (email: string) => void}} props */
const Found = ({ patient, onShow }) => {
  const answer = useAnswer(() => get("/me"), []);
  return html`
    <h3>${isolated(patient.name)}</h3>
    <p>${say("externalFileText")}</p>
    <${Answer} answer=${answer}>
      ${(/** @type {Api["Me"]} */ me) => html`<${FileAt} key=${patient._id} me=${me} path=${apiPath`/users/${patient.email}/file`} />`}
    <//>
    <p>${say("externalErase")}</p>
    <p><button onClick=${() => onShow(patient.email)}>${say("externalShow")}</button></p>`;
};

/** @param {{onShow: (email: string) => void}} props shows this account in the list */
export const ExternalPatient = ({ onShow }) => {
  const [open, setOpen] = useState(false);
  const [patient, setPatient] = useState(/** @type {Api["FoundPatient"] | null} */ (null));
  /** @param {Record<string, string>} values */
  const find = async ({ system, value }) => {
    setPatient(null);
    setPatient(await post("/patients/external/find", { system, value }));
  };
  return html`
    <button aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>${say("externalFind")}</button>
    ${open && html`<section class="card new-doctor" id="external-patient">
      <p>${say("externalText")}</p>
      <${Form} onSend=${find} label=${say("search")}>
        <${Field} label=${say("externalNumber")} name="value" autocomplete="off" required />
        <${Field} label=${say("externalSystem")} hint=${say("externalSystemHint")} name="system" autocomplete="off" required />
      <//>
      ${patient && html`<${Found} patient=${patient} onShow=${onShow} />`}
    </section>`}`;
};
