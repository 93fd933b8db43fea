// @ts-check
// The doctors' accounts, and the form for a new one.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { post } from "/console/api.js";
import { Empty, Field, Form, toast } from "/console/components.js";
import { say, sayNumber } from "/console/language.js";
import { Accounts, Search, Secret } from "/console/views/account_actions.js";
import { Outcomes } from "/console/views/outcomes.js";

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
    <details class="outcomes" onToggle=${(/** @type {any} */ event) => setOpen(event.target.open)}>
      <summary>${say("title_outcomes")}</summary>${open && html`<${Outcomes} doctor=${doctor} />`}</details>`;
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

export const View = () => {
  const [text, setText] = useState("");
  const [added, setAdded] = useState(/** @type {{email: string, password: string} | null} */ (null));
  const [turn, setTurn] = useState(0);
  const query = new URLSearchParams({ limit: "50", ...(text && { q: text }) });
  return html`
    <h1>${say("title_doctors")}</h1>
    <${NewDoctor} onAdded=${(/** @type {string} */ email, /** @type {string} */ password) => {
      setAdded({ email, password });
      setTurn(turn + 1);
    }} />
    <${Search} onSearch=${setText} />
    <${Accounts} path=${`/doctors?${query}`} turn=${turn}
      keeps=${(/** @type {any} */ doctor) => doctor.role === "doctor"}
      extra=${(/** @type {any} */ { account }) =>
        html`<small>${say(account.patients === 1 ? "onePatient" : "manyPatients", { count: sayNumber(account.patients) })}</small>
          <${FoldedOutcomes} key=${account.email} doctor=${account.email} />`}
      empty=${html`<${Empty} title=${say("usersEmpty")}><p>${say(text ? "searchEmpty" : "doctorsEmptyText")}</p><//>`} />
    ${added &&
    html`<${Secret} title=${say("initialPasswordField")} password=${added.password}
      text=${`${say("resetPasswordText")} ${say("addDoctorText")}`} onClose=${() => {
        toast(say("added", { email: added.email }));
        setAdded(null);
      }} />`}`;
};
