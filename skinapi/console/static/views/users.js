// @ts-check
// The accounts of everybody but the doctors, those that wait for approval first.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getAll } from "/console/api.js";
import { Empty, Tabs, useAnswer } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { Accounts, Search, setField } from "/console/views/account_actions.js";

const ALL = "all";
const WAITING = "waiting";

/** Every doctor who can have patients. */
const getDoctors = () => getAll("/doctors?status=approved");

/** @param {{act: any, doctors: any[]}} props */
const DoctorOf = ({ act, doctors }) => {
  const { account } = act;
  const known = !account.doctor || doctors.some((one) => one.email === account.doctor);
  return html`
    <label class="choice">${say("assignDoctor")}
      <select value=${account.doctor ?? ""} onChange=${(/** @type {any} */ event) => {
        const doctor = event.target.value || null;
        event.target.value = account.doctor ?? ""; // until the server has agreed
        setField(act, "doctor", doctor);
      }}>
        <option value="">${say("nobody")}</option>
        ${!known && html`<option value=${account.doctor}>${isolated(account.doctor)}</option>`}
        ${doctors.map((one) => html`<option value=${one.email}>${isolated(one.name)}</option>`)}
      </select></label>`;
};

export const View = () => {
  const [status, setStatus] = useState(WAITING);
  const [text, setText] = useState("");
  const doctors = useAnswer(getDoctors, []);
  // The API lists doctors by themselves; one who waits for approval must not be overlooked.
  const search = text && { q: text };
  const waiting = useAnswer(async () => (status === WAITING ? getAll(`/doctors?${new URLSearchParams({ status, ...search })}`) : []), [status, text]);
  const query = new URLSearchParams({ limit: "50", ...(status !== ALL && { status }), ...search });
  return html`
    <h1>${say("title_users")}</h1>
    <${Tabs} label=${say("status")} chosen=${status} onChoose=${setStatus} tabs=${[
      [WAITING, say("status_waiting")],
      ["approved", say("status_approved")],
      ["suspended", say("status_suspended")],
      [ALL, say("all")],
    ]} />
    <${Search} onSearch=${setText} />
    <${Accounts} path=${`/users?${query}`}
      others=${waiting.value ?? []}
      keeps=${(/** @type {any} */ user) => (user.role !== "doctor" || user.status === WAITING) && (status === ALL || user.status === status)}
      extra=${(/** @type {any} */ act) =>
        act.account.role === "user" && doctors.value && html`<${DoctorOf} act=${act} doctors=${doctors.value} />`}
      empty=${html`<${Empty} title=${say("usersEmpty")}><p>${say(text ? "searchEmpty" : "usersEmptyText")}</p><//>`} />`;
};
