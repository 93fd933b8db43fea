// @ts-check
// All accounts, those that wait for approval first, and the form for a new doctor.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getAll, post } from "/console/api.js";
import { Empty, Field, Form, Tabs, toast, useAnswer } from "/console/components.js";
import { isolated, say, sayNumber, sayValue } from "/console/language.js";
import { Accounts, ROLES, Search, Secret, setField } from "/console/views/account_actions.js";
import { OutcomesOf } from "/console/views/outcomes.js";

const ALL = "all";
const WAITING = "waiting";
/** Without I, O, l, 0 and 1, which look alike. */
const SIGNS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** Three groups of six signs, easy to read aloud. */
function newPassword() {
  const signs = [...crypto.getRandomValues(new Uint32Array(18))].map((number) => SIGNS[number % SIGNS.length]);
  return [0, 6, 12].map((start) => signs.slice(start, start + 6).join("")).join("-");
}

/** Asked for when it is opened. @param {{doctor: string}} props */
const FoldedOutcomes = ({ doctor }) => {
  const [open, setOpen] = useState(false);
  return html`
    <details class="outcomes" onToggle=${(/** @type {DetailsEvent} */ event) => setOpen(event.target.open)}>
      <summary>${say("title_outcomes")}</summary>${open && html`<${OutcomesOf} doctor=${doctor} />`}</details>`;
};

/** @param {{onAdded: (email: string, password: string) => void}} props */
const NewDoctor = ({ onAdded }) => {
  const [turn, setTurn] = useState(0); // after each doctor, a new form, which is empty and folded
  /** @param {Record<string, string>} values */
  const add = async ({ name, email }) => {
    const password = newPassword();
    await post("/doctors", { name, email, password });
    setTurn(turn + 1);
    onAdded(email, password);
  };
  return html`
    <div>
      <details class="card" key=${turn}>
        <summary><strong>${say("addDoctor")}</strong></summary>
        <p>${say("addDoctorText")}</p>
        <${Form} onSend=${add} label=${say("addDoctor")}>
          <${Field} label=${say("name")} name="name" autocomplete="off" required />
          <${Field} label=${say("email")} name="email" type="email" autocomplete="off" required />
        <//>
      </details>
    </div>`;
};

/** Every doctor who can have patients. */
const getDoctors = () => getAll("/accounts?role=doctor&status=approved");

/** @param {{act: any, doctors: Api["ListedAccount"][]}} props */
const DoctorOf = ({ act, doctors }) => {
  const { account } = act;
  const known = !account.doctor || doctors.some((one) => one.email === account.doctor);
  return html`
    <label class="choice">${say("assignDoctor")}
      <select value=${account.doctor ?? ""} onChange=${(/** @type {FieldEvent} */ event) => {
        const doctor = event.target.value || null;
        event.target.value = account.doctor ?? ""; // until the server has agreed
        setField(act, "doctor", doctor);
      }}>
        <option value="">${say("nobody")}</option>
        ${!known && html`<option value=${account.doctor}>${isolated(account.doctor)}</option>`}
        ${doctors.map((one) => html`<option value=${one.email}>${isolated(one.name)}</option>`)}
      </select></label>`;
};

/** @param {{chosen: string, onChoose: (role: string) => void}} props */
const RoleFilter = ({ chosen, onChoose }) => html`
  <label class="choice narrow">${say("role")}
    <select name="role" value=${chosen} onChange=${(/** @type {FieldEvent} */ event) => onChoose(event.target.value)}>
      <option value="">${say("anyRole")}</option>
      ${ROLES.map((role) => html`<option value=${role} selected=${role === chosen}>${sayValue("role", role)}</option>`)}
    </select></label>`;

export const View = () => {
  const [status, setStatus] = useState(WAITING);
  const [role, setRole] = useState("");
  const [text, setText] = useState("");
  const [added, setAdded] = useState(/** @type {{email: string, password: string} | null} */ (null));
  const [turn, setTurn] = useState(0);
  const doctors = useAnswer(getDoctors, [turn]);
  const query = new URLSearchParams({ limit: "50", ...(status !== ALL && { status }), ...(role && { role }), ...(text && { q: text }) });
  return html`
    <h1>${say("title_accounts")}</h1>
    <${NewDoctor} onAdded=${(/** @type {string} */ email, /** @type {string} */ password) => {
      setAdded({ email, password });
      setRole("doctor");
      setStatus("approved");
      setText("");
      setTurn(turn + 1);
    }} />
    <${Tabs} label=${say("status")} chosen=${status} onChoose=${setStatus} tabs=${[
      [WAITING, say("status_waiting")],
      ["approved", say("status_approved")],
      ["suspended", say("status_suspended")],
      [ALL, say("all")],
    ]} />
    <${RoleFilter} chosen=${role} onChoose=${setRole} />
    <${Search} key=${turn} onSearch=${setText} />
    <${Accounts} path=${`/accounts?${query}`} turn=${turn}
      keeps=${(/** @type {Api["ListedAccount"]} */ one) => (!role || one.role === role) && (status === ALL || one.status === status)}
      extra=${(/** @type {import("/console/views/account_actions.js").Act} */ act) => {
        const { account } = act;
        if (account.role === "user") return doctors.value && html`<${DoctorOf} act=${act} doctors=${doctors.value} />`;
        const patients = account.patients ?? 0;
        return account.role === "doctor" && html`<small>${say(patients === 1 ? "onePatient" : "manyPatients", { count: sayNumber(patients) })}</small>
          <${FoldedOutcomes} key=${account.email} doctor=${account.email} />`;
      }}
      empty=${html`<${Empty} title=${say("usersEmpty")}><p>${say(text ? "searchEmpty" : "usersEmptyText")}</p><//>`} />
    ${added &&
    html`<${Secret} title=${say("initialPasswordField")} password=${added.password}
      text=${`${say("resetPasswordText")} ${say("addDoctorText")}`} onClose=${() => {
        toast(say("added", { email: added.email }));
        setAdded(null);
      }} />`}`;
};
