// The admin's table: one line an account. Several are chosen and decided on at once; the approval of a patient asks for the doctor.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { Choice, Confirm, Icon, Message, sayError, Secret, Select, useAct } from "/console/components.js";
import { isolated, say, sayCount, sayDate, sayList, sayNumber, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { Ask, changesRole, decide, isOneself, planApproval, roleAfter, ROLES, sayOpen, sayRoles, sayWho, setDoctor } from "/console/views/account_actions.js";
import { labelOfLogIn, namesOfLogIns } from "/console/views/login.js";

/** @typedef {import("/console/views/account_actions.js").Account} Account */
/** @typedef {import("/console/views/account_actions.js").Act} Act */

/** Whether one is asked for the doctor before it is approved: it is then a patient's, and new or without a doctor. @param {Account} account */
const needsDoctor = (account) => roleAfter(account, "wanted") === "user" && (account.status === "waiting" || !account.doctor);

/** Approve an account in the role that it asks for; it is asked first who is in charge of a patient, and what another role takes with it. @param {Account} account @param {Act} act */
function approve(account, act) {
  if (needsDoctor(account)) return act.onApprove(account);
  if (changesRole([account], "wanted")) return act.onAsk({ kind: "approve", role: "wanted" }, [account]);
  return decide([account], "approvals", { role: "wanted" }, act.onChange).catch(act.onError);
}

const NO_DOCTOR = "none";

/** Who is in charge of a patient from the approval on. @param {{account: Account, doctors: Account[], onChange: Act["onChange"], onClose: () => void}} props */
const ApprovePatient = ({ account, doctors, onChange, onClose }) => {
  const [chosen, setChosen] = useState("");
  const preselected = (doctors.find(({ email }) => email === account.doctor) ?? doctors.find((one) => one.default_doctor))?.email ?? "";
  const doctor = chosen || preselected;
  const send = async () => {
    if (!doctor) throw { status: 400, message: say("doctorNeeded") };
    await decide([account], "approvals", { role: "wanted", doctor: doctor === NO_DOCTOR ? null : doctor }, onChange);
  };
  return html`
    <${Confirm} title=${say("approveAsk", { who: sayWho(account) })} confirm=${say("approve")} kind="primary" onConfirm=${send} onClose=${onClose}>
      ${account.waiting && html`<p>${sayOpen(account)}</p>`}
      <${Select} label=${say("doctorInCharge")} name="approve-doctor" hint=${say("doctorInChargeHint")} value=${doctor} onChoose=${setChosen}
        options=${[
          ...(preselected ? [] : [["", say("chooseDoctor")]]),
          ...doctors.map((one) => [one.email, isolated(one.name)]),
          [NO_DOCTOR, say("noDoctorForNow")],
        ]} />
    <//>`;
};

/** @typedef {import("/console/views/account_actions.js").Changed} Changed */
/** @typedef {import("/console/views/account_actions.js").Question} Question */
/** @typedef {Api["AccountRow"][]} Doctors */

const MOST_CHOSEN = 100;
const COLUMNS = /** @type {const} */ (["title_account", "role", "assignDoctor", "status", "registered"]);

/** What one click does. The second of a double click would do what has come under the pointer. @param {() => void} act */
const onFirstClick = (act) => (/** @type {MouseEvent} */ event) => event.detail <= 1 && act();

const sayStatus = (/** @type {Account} */ { refusal, status }) =>
  refusal ? say("refusedFor", { reason: sayValue("refusal", refusal.reason) }) : sayValue("is", status);

/** @param {Doctors} doctors @param {string} email */
const nameOfDoctor = (doctors, email) => isolated(doctors.find((one) => one.email === email)?.name ?? email);

/** Whoever may be in charge of a patient. @param {string} value @param {Doctors} doctors @param {string} nobody @returns {[string, string][]} */
const doctorsToChoose = (value, doctors, nobody) => [
  ["", nobody],
  .../** @type {[string, string][]} */ (value && !doctors.some((one) => one.email === value) ? [[value, isolated(value)]] : []),
  ...doctors.map((one) => /** @type {[string, string]} */ ([one.email, isolated(one.name)])),
];

/** A choice of which nothing comes before its button is pressed. @param {{label: string, name: string, value: string, options: [string, string][], button: string, onPress: (value: string) => void}} props */
const ChoiceToPress = ({ label, name, value, options, button, onPress }) => {
  const [chosen, setChosen] = useState(value);
  return html`<span class="row"><${Choice} label=${label} name=${name} value=${chosen} onChoose=${setChosen} options=${options} />
    ${chosen !== value && html`<button onClick=${() => onPress(chosen)}>${button}</button>`}</span>`;
};

/** At which log-in of the clinic the account may log in. @param {{account: Account, onAsk: (question: Question) => void}} props */
const LogInAt = ({ account, onAsk }) => {
  const bound = account.provider ?? account.link_allowed;
  if (bound) return html`<button onClick=${() => onAsk({ kind: "logInAt", provider: null })}>${say("forbidLogIn", { name: labelOfLogIn(bound) })}</button>`;
  return namesOfLogIns().map((provider) => html`<button onClick=${() => onAsk({ kind: "logInAt", provider })}>${say("allowLogIn", { name: labelOfLogIn(provider) })}</button>`);
};

/** What is done rarely, below the line of its account. @param {{account: Account, act: Act, doctors: Doctors}} props */
const Managed = ({ account, act, doctors }) => {
  /** @param {import("/console/views/account_actions.js").Question["kind"]} kind @param {string} [role] */
  const ask = (kind, role) => act.onAsk({ kind, role }, [account]);
  const inCharge = account.doctor ?? "";
  return html`
    <tr class="managed"><td colspan=${COLUMNS.length + 2}><div class="row">
      <${ChoiceToPress} key=${account.role} label=${say("role")} name="new-role" value=${account.role} options=${ROLES.map((role) => [role, sayValue("role", role)])}
        button=${say("changeRole")} onPress=${(/** @type {string} */ role) => ask("role", role)} />
      ${(account.role === "user" || account.waiting || inCharge) && html`
        <${ChoiceToPress} key=${`of ${inCharge}`} label=${say("assignDoctor")} name="doctor" value=${inCharge} options=${doctorsToChoose(inCharge, doctors.filter(({ _id }) => _id !== account._id), say("nobody"))}
          button=${say("changeDoctor")} onPress=${(/** @type {string} */ email) => setDoctor(account, email || null, act.onChange).catch(act.onError)} />`}
      ${!account.provider && html`<button onClick=${() => ask("link")}>${say("passwordLink")}</button>`}
      <${LogInAt} account=${account} onAsk=${(/** @type {Question} */ question) => act.onAsk(question, [account])} />
      ${account.second_factor && !isOneself(account) && html`<button onClick=${() => ask("factor")}>${say("removeFactor")}</button>`}
      ${account.role === "user" && account.status !== "closed" && html`<button onClick=${() => ask("move")}>${say("moveSpots")}</button>`}
      <button class="danger" onClick=${() => ask("delete")}><${Icon} name="trash" />${say("delete")}</button></div>
      ${account.status !== "approved" && account.wanted_role && html`<p>${say("getsRole", { role: sayValue("role", account.wanted_role) })}</p>`}
      ${account.refusal?.note && html`<p>${say("refusalTold")} <q>${isolated(account.refusal.note)}</q></p>`}
    </td></tr>`;
};

/** A label, and a shorter one where a phone has no room for it: what it leaves out stands beside it. @param {{text: string, short: string}} props */
const Label = ({ text, short }) => (text === short ? text : html`<span class="long">${text}</span><span class="short">${short}</span>`);

/** One account. @param {{account: Account, chosen: boolean, onChoose: () => void, act: Act, doctors: Doctors}} props */
const Row = ({ account, chosen, onChoose, act, doctors }) => {
  const [managed, setManaged] = useState(false);
  const { email, role, status } = account;
  const patients = account.patients ?? 0;
  const given = roleAfter(account, "wanted");
  const words = given === "user" ? say("approve") : say("approveAs", { role: sayValue("role", given) });
  const named = (/** @type {string} */ label) => `${label} ${isolated(email)}`;
  return html`
    <tr id=${`account-${account._id}`} class=${chosen ? "chosen-row" : ""}>
      <td><input type="checkbox" checked=${chosen} aria-label=${named(say("chooseAccount"))} onChange=${onChoose} /></td>
      <th scope="row"><div class="person" title=${`${isolated(account.name)} ${isolated(email)}`}><strong>${isolated(account.name)}</strong> <span class="address">${isolated(email)}</span></div></th>
      <td>${status !== "approved" && account.wanted_role ? html`<strong class="wanted">${say("asksFor", { role: sayValue("role", account.wanted_role) })}</strong>` : sayValue("role", role)}</td>
      <td>${account.doctor ? nameOfDoctor(doctors, account.doctor) : role === "user" && status === "approved" && html`<strong>${say("noDoctorForNow")}</strong>`}${role === "doctor" && say(patients === 1 ? "onePatient" : "manyPatients", { count: sayNumber(patients) })}</td>
      <td class=${`standing standing-${status}`}>${sayStatus(account)}
        ${account.must_change_password && html`<small title=${say("initialPasswordOpen")}> · ${say("initialPasswordShort")}</small>`}
        ${account.second_factor && html`<small> · ${say("hasSecondFactor")}</small>`}
        ${account.provider && html`<small> · ${say("logsInAt", { name: labelOfLogIn(account.provider) })}</small>`}
        ${account.link_allowed && html`<small> · ${say("mayLogInAt", { name: labelOfLogIn(account.link_allowed) })}</small>`}</td>
      <td><time datetime=${account.created_at}>${sayDate(account.created_at, false)}</time></td>
      <td class="row-acts">
        ${status === "approved"
          ? html`<button aria-label=${named(say("suspend"))} onClick=${onFirstClick(() => act.onAsk({ kind: "suspend" }, [account]))}>${say("suspend")}</button>`
          : html`<button aria-label=${named(words)} onClick=${onFirstClick(() => approve(account, act))}><${Label} text=${words} short=${say("approve")} /></button>`}
        ${status === "waiting" && html`<button aria-label=${named(say("refuse"))} onClick=${onFirstClick(() => act.onAsk({ kind: "refuse" }, [account]))}>${say("refuse")}</button>`}
        <button class="quiet manage" aria-expanded=${String(managed)} aria-label=${named(say("manage"))}
          onClick=${onFirstClick(() => setManaged(!managed))}><${Label} text=${say("manage")} short="⋯" /></button></td>
    </tr>
    ${managed && html`<${Managed} account=${account} act=${act} doctors=${doctors} />`}`;
};

/** What is done to all that are chosen. @param {{accounts: Account[], act: Act, doctors: Doctors, onClear: () => void}} props */
const Chosen = ({ accounts, act, doctors, onClear }) => {
  const [role, setRole] = useState("wanted");
  const [doctor, setInCharge] = useState("");
  const { run, busy } = useAct();
  const count = sayNumber(accounts.length);
  const { approved, changed, assigned, moved, all } = planApproval(accounts, role, doctor);
  const words = [
    approved.length > 0 && say("approveMany", { accounts: sayCount("chosenAccounts", approved.length), roles: sayRoles(approved, role) }),
    changed.length > 0 && say("changeRoleMany", { roles: sayRoles(changed, role) }),
    assigned.length > 0 && say("assignMany", { patients: sayCount("user", assigned.length), doctor: nameOfDoctor(doctors, doctor) }),
  ].filter(Boolean).join(" · ");
  const losing = [...new Set(moved.map((one) => one.doctor ?? ""))].map((email) => say("movedFrom", { count: sayNumber(moved.filter((one) => one.doctor === email).length), doctor: nameOfDoctor(doctors, email) }));
  const approveChosen = () => changesRole(all, role) ? act.onAsk({ kind: "approve", role, doctor }, all) : run(() => decide(all, "approvals", { role, ...(doctor && { doctor }) }, act.onChange).catch(act.onError)).then(onClear);
  return html`
    <div class="actions" role="group" aria-label=${say("manyChosen", { count })}>
      <strong>${say("manyChosen", { count })}</strong>
      <${Choice} label=${say("role")} name="approve-role" value=${role} onChoose=${setRole}
        options=${[["wanted", say("asEachAsks")], ...ROLES.slice(0, 3).map((one) => [one, sayValue("role", one)])]} />
      <${Choice} label=${say("doctorOfPatients")} name="doctor" value=${doctor} onChoose=${setInCharge} options=${doctorsToChoose(doctor, doctors, say("doctorUnchanged"))} />
      ${words ? html`<button class="primary" disabled=${busy} onClick=${approveChosen}>${words}</button>` : html`<span>${say("nothingToApprove")}</span>`}
      ${losing.length > 0 && html`<strong>${say("changesDoctor", { from: sayList(losing) })}</strong>`}
      ${accounts.every(({ status }) => status === "waiting") && html`<button onClick=${() => act.onAsk({ kind: "refuse" }, accounts)}>${say("refuse")}</button>`}
      <button class="quiet" onClick=${onClear}>${say("cancel")}</button>
    </div>`;
};

/** The lines of these accounts, and what is done to those that are chosen. @param {{shown: Account[], act: Act, doctors: Doctors}} props */
const Table = ({ shown, act, doctors }) => {
  const [ids, setIds] = useState(/** @type {string[]} */ ([]));
  const chosen = shown.filter(({ _id }) => ids.includes(_id));
  /** @param {Account} account */
  const choose = ({ _id }) => setIds((before) => (before.includes(_id) ? before.filter((one) => one !== _id) : [...before, _id].slice(-MOST_CHOSEN)));
  const all = shown.slice(0, MOST_CHOSEN);
  return html`
    <table class="accounts">
      <thead><tr>
        <td><input type="checkbox" aria-label=${say("chooseAll")} checked=${chosen.length > 0 && chosen.length === all.length}
          onChange=${() => setIds(chosen.length === all.length ? [] : all.map(({ _id }) => _id))} /></td>
        ${COLUMNS.map((column) => html`<th scope="col">${say(column)}</th>`)}<td></td></tr></thead>
      <tbody>
        ${shown.map((account) => html`<${Row} key=${account._id} account=${account} chosen=${ids.includes(account._id)} onChoose=${() => choose(account)} act=${act} doctors=${doctors} />`)}
      </tbody>
    </table>
    ${chosen.length > 0 && html`<${Chosen} accounts=${chosen} act=${act} doctors=${doctors} onClear=${() => setIds([])} />`}`;
};

/** The accounts under this path as the API gives them and as they were changed here since.
 * @param {{path: string, keeps: (account: Account) => boolean, empty: unknown, doctors: Doctors, turn: number, onDoctors: () => void}} props */
export const Accounts = ({ path, keeps, empty, doctors, turn, onDoctors }) => {
  const pages = usePages(path);
  const [changes, setChanges] = useState(/** @type {Record<string, Changed>} */ ({}));
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [asked, setAsked] = useState(/** @type {{question: Question, accounts: Account[]} | null} */ (null));
  const [approved, setApproved] = useState(/** @type {Account | null} */ (null));
  const [secret, setSecret] = useState(/** @type {import("/console/views/account_actions.js").Told | null} */ (null));
  useEffect(() => {
    setChanges({});
    setError(null);
  }, [path]);
  useEffect(() => {
    if (turn) pages.reload();
  }, [turn]);
  // Fields alone: while one change is under way, another may be made to the same account.
  /** @type {Act["onChange"]} */
  const onChange = ({ _id, role }, fields) => {
    setError(null);
    if ([role, fields.role].includes("doctor")) onDoctors();
    setChanges((before) => ({ ...before, [_id]: { ...before[_id], ...fields } }));
  };
  /** @type {Act} */
  const act = { onChange, onError: setError, onAsk: (question, accounts) => setAsked({ question, accounts }), onApprove: setApproved };
  return html`
    ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    <${Pages} pages=${pages} empty=${empty}>
      ${(/** @type {Account[]} */ items) => {
        const shown = items.map((one) => /** @type {Account & Changed} */ ({ ...one, ...changes[one._id] })).filter((one) => !one.gone && keeps(one));
        return shown.length === 0 && !pages.next ? empty : html`<${Table} key=${path} shown=${shown} act=${act} doctors=${doctors} />`;
      }}
    <//>
    ${asked && html`<${Ask} accounts=${asked.accounts} question=${asked.question} onChange=${onChange} onSecret=${setSecret} onClose=${() => setAsked(null)} doctors=${doctors} />`}
    ${approved && html`<${ApprovePatient} account=${approved} doctors=${doctors} onChange=${onChange} onClose=${() => setApproved(null)} />`}
    ${secret && html`<${Secret} title=${secret.title} text=${secret.text} password=${secret.password} until=${secret.expires_at} onClose=${() => setSecret(null)} />`}`;
};
