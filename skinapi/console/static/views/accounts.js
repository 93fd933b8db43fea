// All accounts, those that wait for approval first; the form for a new doctor, and a patient of another system.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, get, post } from "/console/api.js";
import { Choice, Empty, Field, Form, Load, Secret, Tabs, toast, useAnswer } from "/console/components.js";
import { isolated, say, sayValue } from "/console/language.js";
import { addressOf, readAddress, replacePlace } from "/console/navigation.js";
import { getDoctors, ROLES, Search } from "/console/views/account_actions.js";
import { Accounts } from "/console/views/account_table.js";
import { FileAt } from "/console/views/my_data.js";

/** @param {{patient: Api["FoundPatient"], onShow: (email: string) => void}} props */
const Found = ({ patient, onShow }) => html`
  <h3>${isolated(patient.name)}</h3>
  <p>${say("externalFileText")}</p>
  <${Load} ask=${() => get("/me")}>
    ${(/** @type {Api["Me"]} */ me) => html`<${FileAt} key=${patient._id} me=${me} patient=${patient.email} />`}
  <//>
  <p>${say("externalErase")}</p>
  <p><button onClick=${() => onShow(patient.email)}>${say("externalShow")}</button></p>`;

/** @param {{onShow: (email: string) => void}} props shows this account in the list */
const ExternalPatient = ({ onShow }) => {
  const [open, setOpen] = useState(false);
  const [patient, setPatient] = useState(/** @type {Api["FoundPatient"] | null} */ (null));
  const find = async (/** @type {Record<string, string>} */ { system, value }) => {
    setPatient(null);
    setPatient(await post("/patients/external/find", { system, value }).catch((error) => {
      throw error.status === 404 ? new ApiError(404, "no_patient", say("searchEmpty")) : error;
    }));
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

const ALL = "all";
const WAITING = "waiting";
const STATUSES = /** @type {const} */ ([WAITING, "unassigned", "approved", "suspended", "refused", "closed"]);
/** Without I, O, l, 0 and 1, which look alike. */
const SIGNS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

function newPassword() {
  const signs = [...crypto.getRandomValues(new Uint32Array(18))].map((number) => SIGNS[number % SIGNS.length]);
  return [0, 6, 12].map((start) => signs.slice(start, start + 6).join("")).join("-");
}

const NewDoctor = (/** @type {{onAdded: (email: string, password: string) => void}} */ { onAdded }) => {
  const [open, setOpen] = useState(false);
  const add = async (/** @type {Record<string, string>} */ { name, email }) => {
    const password = newPassword();
    await post("/doctors", { name, email, password });
    setOpen(false);
    onAdded(email, password);
  };
  return html`
    <button aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>${say("addDoctor")}</button>
    ${open && html`<section class="card new-doctor">
      <p>${say("addDoctorText")}</p>
      <${Form} onSend=${add} label=${say("addDoctor")}>
        <${Field} label=${say("name")} name="name" autocomplete="off" required />
        <${Field} label=${say("email")} name="email" type="email" autocomplete="off" required />
      <//>
    </section>`}`;
};

/** Which accounts a status of the filter means; of those that have no doctor, until one was chosen here. @param {string} status @param {Api["AccountRow"]} account @param {Api["AccountRow"][]} doctors */
const stands = (status, account, doctors) =>
  status === "unassigned"
    ? !doctors.some(({ email }) => email === account.doctor)
    : status === ALL || status === account.status;

/** @param {{filters: URLSearchParams}} props what of the address stands behind the ? */
export const View = ({ filters }) => {
  const [added, setAdded] = useState(/** @type {{email: string, password: string} | null} */ (null));
  const [turn, setTurn] = useState(0);
  const doctors = useAnswer(getDoctors, [turn]);
  const status = [...STATUSES, ALL].find((one) => one === filters.get("status")) ?? WAITING;
  const role = ROLES.find((one) => one === filters.get("role")) ?? "";
  const q = filters.get("q")?.slice(0, 200) ?? "";
  /** A search ends later than it began: the other filters are those of that moment. @param {{status?: string, role?: string, q?: string}} next */
  const filter = (next) => replacePlace(addressOf("accounts", { ...Object.fromEntries(readAddress().filters), ...next }));
  const query = new URLSearchParams({ limit: "50", ...(status !== ALL && { status }), ...(role && { role }), ...(q && { q }) });
  /** @param {{status: string, role: string, q: string}} next */
  const show = (next) => {
    filter(next);
    setTurn(turn + 1);
  };
  const onAdded = (/** @type {string} */ email, /** @type {string} */ password) => {
    setAdded({ email, password });
    show({ status: "approved", role: "doctor", q: "" });
  };
  return html`
    <div class="row table-top">
      <h1>${say("title_accounts")}</h1>
      <${NewDoctor} onAdded=${onAdded} />
      <${ExternalPatient} onShow=${(/** @type {string} */ email) => show({ status: ALL, role: "", q: email })} />
    </div>
    <div class="row table-filters">
      <${Tabs} label=${say("status")} chosen=${status} onChoose=${(/** @type {string} */ next) => filter({ status: next })} tabs=${[
        ...STATUSES.map((one) => [one, say(`status_${one}`)]),
        [ALL, say("all")],
      ]} />
      <${Choice} label=${say("role")} name="role" value=${role} onChoose=${(/** @type {string} */ next) => filter({ role: next })}
        options=${[["", say("anyRole")], ...ROLES.map((one) => [one, sayValue("role", one)])]} />
      <${Search} key=${turn} value=${q} onSearch=${(/** @type {string} */ text) => filter({ q: text })} />
    </div>
    <${Accounts} path=${`/accounts?${query}`} turn=${turn} doctors=${doctors.value ?? []} onDoctors=${doctors.reload}
      keeps=${(/** @type {Api["AccountRow"]} */ one) => (!role || one.role === role) && stands(status, one, doctors.value ?? [])}
      empty=${html`<${Empty} title=${say(q ? "searchEmpty" : "usersEmpty")} />`} />
    ${added && html`<${Secret} title=${say("resetPassword")} password=${added.password}
      text=${say("resetPasswordText")} onClose=${() => {
        toast(say("added", { email: added.email }));
        setAdded(null);
      }} />`}`;
};
