// What an admin does to accounts: to one or to many, asked before it is done where it weighs.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getSession, patch, post, put, remove } from "/console/api.js";
import { Change, Confirm, Field, Form, Message, sayError, Select, TextArea, toast, useAnswer, useModal } from "/console/components.js";
import { colon, isolated, say, sayCount, sayDate, sayList, sayNumber, sayValue, valuesOf } from "/console/language.js";
import { askForAccounts } from "/console/waiting.js";
import { labelOfLogIn, OwnerFields } from "/console/views/login.js";
import { Unsettled } from "/console/views/unsettled.js";

export const ROLES = ["user", "doctor", "researcher", "admin"];
const PAUSE_MS = 400;
const LONGEST_NOTE = 500;
/** The end of made-up addresses: of patients whom another system has sent, and of records that 2.0.0 kept. */
export const NO_ADDRESS = ".invalid";

/** @typedef {Api["AccountRow"]} Account */
/** @typedef {Partial<Account> & {gone?: boolean}} Changed */
/** What is shown once. @typedef {{title: string, text: string, password: string, expires_at?: string}} Told */
/** What is to be asked before it is done. @typedef {{kind: "suspend" | "role" | "approve" | "refuse" | "link" | "factor" | "delete" | "move" | "logInAt", role?: string, doctor?: string, provider?: string | null}} Question */

/** What is done to an account: `onChange` gets the fields that it changed, `onAsk` what is asked first.
 * `onApprove` asks for the doctor of a patient.
 * @typedef {{onChange: (account: Account, fields: Changed) => void, onError: (error: Failed) => void,
 *   onAsk: (question: Question, accounts: Account[]) => void, onApprove: (account: Account) => void}} Act */

/** Every doctor who can have patients. @returns {Promise<Account[]>} */
export const getDoctors = () => getAll("/accounts?role=doctor&status=approved");

/** @param {Account} account @param {string} part */
const pathOf = (account, part) => apiPath`/users/${account.email}/${part}`;

export const isOneself = (/** @type {Account} */ account) => account.email === getSession()?.email;

/** A person by name, and by what no other has. @param {Pick<Account, "name" | "email">} account */
export const sayWho = ({ name, email }) => `${isolated(name)} (${isolated(email)})`;

/** The role that an account has once it is approved in this one. @param {Account} account @param {string | null | undefined} role @returns {string} */
export function roleAfter(account, role) {
  const given = role === "wanted" ? account.wanted_role : role;
  return account.role === "user" && (given === "doctor" || given === "researcher") ? given : account.role;
}

/** How many get each role: "6 patients, 1 doctor". @param {Account[]} accounts @param {string} role */
export function sayRoles(accounts, role) {
  const given = accounts.map((account) => roleAfter(account, role));
  return ROLES.filter((one) => given.includes(one)).map((one) => sayCount(one, given.filter((other) => other === one).length)).join(", ");
}

/** Whether these accounts get other roles when they are approved. @param {Account[]} accounts @param {string} role */
export const changesRole = (accounts, role) => accounts.some((account) => roleAfter(account, role) !== account.role);

const figures = (/** @type {Account["waiting"]} */ counted) => ({ findings: sayCount("findings", counted?.findings ?? 0), urgent: sayNumber(counted?.urgent ?? 0) });

/** What else is to be done than to review findings. @param {Account["waiting"]} counted */
const sayAlsoLeft = (counted) => {
  const left = Object.entries(counted?.by_kind ?? {}).filter(([kind]) => kind !== "review").map(([kind, count]) => `${say(/** @type {WordKey} */ (`waiting_${kind}`))} (${sayNumber(count)})`);
  return left.length > 0 && say("alsoLeft", { left: sayList(left) });
};

/** What is to be done by a doctor. @param {Account} account */
const sayInCare = (account) => account.in_care && sayAll(say("doctorWaits", figures(account.in_care)), sayAlsoLeft(account.in_care));

const sayAll = (/** @type {(string | false | null | undefined)[]} */ ...sentences) => sentences.filter(Boolean).join(" ");

/** What waits of an account that is to be approved as a patient. @param {Account} account */
export const sayOpen = (account) => sayAll(Boolean(account.waiting?.findings) && say("approvedWaits", { who: sayWho(account), ...figures(account.waiting) }), sayAlsoLeft(account.waiting));

/** What a doctor who loses the role leaves to be done. @param {Account} account */
const sayLeaves = (account) => account.role === "doctor" && Boolean(account.patients) && sayAll(say("roleLeaves", { who: sayWho(account), patients: sayCount("user", account.patients ?? 0), ...figures(account.in_care) }), sayAlsoLeft(account.in_care));

/** What a decision takes besides the accounts. @typedef {{role?: string, doctor?: string | null, reason?: string, note?: string | null}} Decision */

/** What of an account a decision changes. @param {Account} account @param {"approvals" | "refusals"} what @param {Decision} body @returns {Changed} */
function fieldsAfter(account, what, body) {
  if (what === "refusals") return { status: "refused", refusal: /** @type {Api["RefusalView"]} */ ({ reason: body.reason, note: body.note ?? null }) };
  const role = /** @type {Account["role"]} */ (roleAfter(account, body.role));
  const byDefault = body.doctor === undefined && account.status === "waiting" && !account.doctor; // whose it is then, the server alone knows
  // Nothing that stays: another change of it may be under way.
  return { status: "approved", refusal: null, wanted_role: null, ...(role !== account.role && { role }), ...(role === "user" && (body.doctor || byDefault) && { doctor: body.doctor }) };
}

/** Show what somebody has made of these accounts since. @param {Account[]} accounts @param {Act["onChange"]} onChange */
async function showAgain(accounts, onChange) {
  for (const account of accounts) {
    const rows = await get(`/accounts?${new URLSearchParams({ q: account.email })}`);
    onChange(account, rows.find((/** @type {Account} */ { _id }) => _id === account._id) ?? { gone: true });
  }
}

/** What an approval of these accounts does: who is approved, who gets another role, who comes into the care of this doctor, and from whom.
 * @param {Account[]} accounts @param {string} role @param {string} doctor */
export function planApproval(accounts, role, doctor) {
  const approved = accounts.filter(({ status }) => status !== "approved");
  const changed = accounts.filter((one) => one.status === "approved" && changesRole([one], role));
  const assigned = accounts.filter((one) => doctor && roleAfter(one, role) === "user" && one.doctor !== doctor);
  const moved = assigned.filter((one) => one.doctor);
  return { approved, changed, assigned, moved, all: accounts.filter((one) => [approved, changed, assigned].some((some) => some.includes(one))) };
}

/** What was done, of one account or of many. @param {WordKey} one @param {WordKey} many @param {Account[]} accounts @param {string} [role] in which they were approved */
const sayDone = (one, many, accounts, role = "wanted") =>
  accounts.length === 1
    ? say(one, { who: sayWho(accounts[0]), role: sayValue("role", roleAfter(accounts[0], role)) })
    : say(many, { count: sayNumber(accounts.length), roles: sayRoles(accounts, role) });

/** @param {Account[]} accounts @param {Decision} body */
function sayApproved(accounts, { role = "wanted", doctor }) {
  const { approved, changed, assigned } = planApproval(accounts, role, doctor ?? "");
  const others = [...approved, ...changed];
  return [
    others.length > 0 && sayDone("approved", "manyApproved", others, role),
    assigned.length > 0 && (accounts.length > 1 || others.length === 0) && say("assignedTo", { patients: sayCount("user", assigned.length), doctor: isolated(doctor ?? "") }),
  ].filter(Boolean).join(". ");
}

/** Approve an account that is suspended, closed or was refused: not among others. @param {Account} account @param {Decision} body @param {Act["onChange"]} onChange */
async function letIn(account, body, onChange) {
  const role = body.role === "wanted" ? account.wanted_role : body.role;
  await patch(pathOf(account, "approve"), { ...body, role: role ?? undefined });
  onChange(account, fieldsAfter(account, "approvals", body));
  askForAccounts();
  toast(sayApproved([account], body));
}

/** Approve or refuse accounts. Fails where one is left out, with what the server says of it.
 * @param {Account[]} accounts @param {"approvals" | "refusals"} what @param {Decision} body @param {Act["onChange"]} onChange */
export async function decide(accounts, what, body, onChange) {
  const [first] = accounts;
  if (what === "approvals" && accounts.length === 1 && !["waiting", "approved"].includes(first.status)) return letIn(first, body, onChange);
  /** @type {Api["DecidedView"]} */
  const { done, left } = await post(apiPath`/accounts/${what}`, {
    accounts: accounts.map(({ _id }) => _id),
    ...body,
  });
  const changed = accounts.filter(({ _id }) => done.includes(_id));
  changed.forEach((account) => onChange(account, fieldsAfter(account, what, body)));
  askForAccounts();
  if (changed.length > 0) toast(what === "refusals" ? sayDone("refusedNow", "manyRefused", changed) : sayApproved(changed, body));
  await showAgain(accounts.filter(({ _id }) => left.some((one) => one.account === _id)), onChange);
  if (left.length > 0) throw { status: 409, code: "left", message: sayLeft(left, accounts) };
}

/** Which accounts stay as they are, and why. @param {Api["LeftAccount"][]} left @param {Account[]} accounts */
const sayLeft = (left, accounts) =>
  left.map(({ account, code, sentence }) => `${accounts.find(({ _id }) => _id === account)?.email}${colon()}${sayError({ status: 409, code, message: sentence })}`).join(" ");

/** @param {Account} account @param {Act["onChange"]} onChange */
async function suspend(account, onChange) {
  await patch(pathOf(account, "suspend"));
  onChange(account, { status: "suspended" });
  toast(say("suspended", { who: sayWho(account) }));
}

/** @param {Account} account @param {Account["role"]} role @param {Act["onChange"]} onChange */
async function setRole(account, role, onChange) {
  await put(pathOf(account, "role"), { role });
  onChange(account, { role });
  toast(say("roleChanged", { who: sayWho(account), role: sayValue("role", role) }));
}

/** @param {Account} account @param {string | null} doctor @param {Act["onChange"]} onChange */
export async function setDoctor(account, doctor, onChange) {
  await put(pathOf(account, "doctor"), { doctor });
  onChange(account, { doctor });
  toast(sayAll(say("assigned", { who: sayWho(account) }), doctor && account.waiting && `· ${sayOpen(account)}`));
}

/** In which roles accounts are approved, where one of them gets another. @param {{accounts: Account[], question: Question, doctors: Account[], onChange: Act["onChange"], onClose: () => void}} props */
const ApproveAs = ({ accounts, question: { role = "", doctor }, doctors, onChange, onClose }) => {
  const [account] = accounts;
  const changed = accounts.filter((one) => changesRole([one], role));
  const [title, confirm] = accounts.length === 1
    ? [say("approveAsAsk", { who: sayWho(account), role: sayValue("role", roleAfter(account, role)) }), say("approveAs", { role: sayValue("role", roleAfter(account, role)) })]
    : [say("approveManyAsk", { roles: sayRoles(accounts, role) }), say("approve")];
  return html`
    <${Confirm} title=${title} confirm=${confirm} kind="primary" onConfirm=${() => decide(accounts, "approvals", { role, ...(doctor && { doctor }) }, onChange)} onClose=${onClose}>
      ${changed.some((one) => roleAfter(one, role) === "doctor") && html`<p>${say("doctorReads")}</p>`}
      ${doctor && accounts.some((one) => roleAfter(one, role) === "user") && html`<p>${say("approvedAssigns", { doctor: isolated(doctors.find(({ email }) => email === doctor)?.name ?? doctor) })}</p>`}
    <//>`;
};

/** Why accounts are refused, which their owners read. @param {{accounts: Account[], onChange: Act["onChange"], onClose: () => void}} props */
const Refuse = ({ accounts, onChange, onClose }) => {
  const [reason, setReason] = useState("unknown_person");
  const [note, setNote] = useState("");
  const text = note.trim();
  const send = () => {
    if (reason === "other" && !text) throw { status: 400, message: say("noteNeeded") };
    return decide(accounts, "refusals", { reason, ...(text && { note: text }) }, onChange);
  };
  const title = accounts.length === 1 ? say("refuseAsk", { who: sayWho(accounts[0]) }) : say("refuseManyAsk", { count: sayNumber(accounts.length) });
  return html`
    <${Confirm} title=${title} confirm=${say("refuse")} onConfirm=${async () => send()} onClose=${onClose}>
      <${Change} before=${say("is_waiting")} after=${say("outcome_refused")} />
      <p>${say("refuseAskText")}</p>
      <${Select} label=${say("reason")} name="reason" value=${reason} onChoose=${setReason}
        options=${valuesOf("refusal").map((one) => [one, sayValue("refusal", one)])} />
      <${TextArea} label=${say(reason === "other" ? "refusalNote" : "refusalNoteOptional")} hint=${say("refusalNoteHint")} name="note" rows="3"
        maxlength=${LONGEST_NOTE}
        value=${note} onText=${setNote} />
    <//>`;
};

/** What of a person's spots is open that somebody should tell the person. @param {{account: Account, after: string}} props */
const LeftOpen = ({ account: { waiting }, after }) => {
  const { review: _, ...others } = waiting?.by_kind ?? {};
  const unsettled = { ...(waiting?.urgent && { review: waiting.urgent }), ...others };
  return html`<${Unsettled} unsettled=${unsettled} title=${say("unsettledOfPerson")} after=${after} />`;
};

/** What goes, on what grounds, which the receipt says, and the admin's password. @param {{account: Account, who: string, onChange: Act["onChange"], onClose: () => void}} props */
const DeleteAccount = ({ account, who, onChange, onClose }) => {
  const dialog = useModal();
  const me = useAnswer(() => get("/me"), []);
  const doctor = account.role === "doctor";
  const removeAccount = async (/** @type {Record<string, string>} */ { reason, ownPassword = "", ownCode }) => {
    const path = doctor ? apiPath`/doctors/${account.email}` : apiPath`/users/${account.email}`;
    await remove(reason ? `${path}?${new URLSearchParams({ reason })}` : path, {
      current_password: ownPassword,
      ...(ownCode && { code: ownCode }),
    });
    onChange(account, { gone: true });
    askForAccounts();
    toast(say("deleted"));
    onClose();
  };
  return html`
    <dialog ref=${dialog} aria-label=${say("deleteAccount")} onClose=${onClose}>
      <h2>${say("deleteAccount")}</h2>
      <${Change} before=${doctor ? say(account.patients === 1 ? "onePatient" : "manyPatients", { count: sayNumber(account.patients ?? 0) }) : sayValue("is", account.status)} after=${say(doctor ? "noDoctorAfter" : "is_closed")} />
      <p>${say(doctor ? "deleteDoctorText" : "deleteAccountText", { who })} ${doctor && sayInCare(account)}</p>
      <${LeftOpen} account=${account} after=${say("unsettledAfter")} />
      <${Form} label=${say("delete")} kind="danger" onSend=${removeAccount} onClose=${onClose}>
        <${Select} label=${say("erasingReason")} name="reason"
          options=${[["", say("notSaid")], ...valuesOf("erasing").map((one) => [one, sayValue("erasing", one)])]} />
        <${OwnerFields} me=${me.value} />
      <//>
    </dialog>`;
};

/** Both people side by side, by what tells them apart. @param {{seen: Api["MovePreview"]}} props */
const BothPeople = ({ seen: { emptied, into } }) => {
  const doctor = into.doctor ?? emptied.doctor;
  const differ = emptied.birth_year && into.birth_year && emptied.birth_year !== into.birth_year;
  /** @type {[string, (one: Api["AccountToMove"]) => unknown][]} */
  const rows = [
    [say("name"), (one) => isolated(one.name)],
    [say("email"), (one) => isolated(one.email)],
    [say("birthYear"), (one) => one.birth_year ?? say("notSaid")],
    [say("status"), (one) => sayValue("is", one.status)],
    [say("registered"), (one) => sayDate(one.created_at, false)],
    [say("findings"), (one) => sayNumber(one.findings)],
    [say("spots"), (one) => sayNumber(one.spots)],
    [say("assignDoctor"), (one) => (one.doctor ? isolated(one.doctor) : say("nobody"))],
  ];
  return html`
    <table class="both-people">
      <thead><tr><td></td><th scope="col">${say("moveFrom")}</th><th scope="col">${say("moveTo")}</th></tr></thead>
      <tbody>${rows.map(([name, tell]) => html`<tr><th scope="row">${name}</th><td>${tell(emptied)}</td><td>${tell(into)}</td></tr>`)}</tbody>
    </table>
    ${differ && html`<${Message} kind="bad">${say("moveYearsDiffer")}<//>`}
    <p>${doctor ? say("moveDoctor", { doctor: isolated(doctor) }) : say("moveNoDoctor")}</p>`;
};

/** To which account of the same person all spots are moved: first both are shown. @param {{account: Account, who: string, onChange: Act["onChange"], onClose: () => void}} props */
const MoveSpots = ({ account, who, onChange, onClose }) => {
  const dialog = useModal();
  const me = useAnswer(() => get("/me"), []);
  const [seen, setSeen] = useState(/** @type {Api["MovePreview"] | null} */ (null));
  const path = pathOf(account, "move");
  const move = async (/** @type {Record<string, string>} */ { into, ownPassword = "", ownCode }) => {
    if (!seen) return setSeen(await get(`${path}?${new URLSearchParams({ into })}`));
    const { email } = seen.into;
    await post(path, { into: email, current_password: ownPassword, ...(ownCode && { code: ownCode }) });
    onChange(account, { status: "closed", doctor: null });
    toast(say("spotsMoved", { who, into: isolated(email) }));
    onClose();
  };
  return html`
    <dialog ref=${dialog} aria-label=${say("moveSpots")} onClose=${onClose}>
      <h2>${say("moveSpots")}</h2>
      <${Form} key=${String(!seen)} label=${say(seen ? "moveSpots" : "moveShow")} kind=${seen ? "danger" : "primary"} onSend=${move} onClose=${onClose}>
        ${seen
          ? html`<${BothPeople} seen=${seen} /><p>${say("moveSpotsText")}</p><${OwnerFields} me=${me.value} />`
          : html`<p>${who}</p><${Field} label=${say("moveInto")} hint=${say("moveIntoHint")} name="into" type="email" autocomplete="off" required />`}
      <//>
    </dialog>`;
};

/** What is asked before it is done, in words of what will happen.
 * @param {{accounts: Account[], question: Question, onChange: Act["onChange"], onSecret: (secret: Told) => void, onClose: () => void, doctors: Account[]}} props */
export const Ask = ({ accounts, question, onChange, onSecret, onClose, doctors }) => {
  if (question.kind === "refuse") return html`<${Refuse} accounts=${accounts} onChange=${onChange} onClose=${onClose} />`;
  if (question.kind === "approve") return html`<${ApproveAs} accounts=${accounts} question=${question} doctors=${doctors} onChange=${onChange} onClose=${onClose} />`;
  const [account] = accounts;
  const who = sayWho(account);
  if (question.kind === "delete") return html`<${DeleteAccount} account=${account} who=${who} onChange=${onChange} onClose=${onClose} />`;
  if (question.kind === "move") return html`<${MoveSpots} account=${account} who=${who} onChange=${onChange} onClose=${onClose} />`;
  const patients = account.role === "doctor" ? account.patients ?? 0 : 0;
  const own = isOneself(account);
  const { role = "", provider = null } = question;
  const link = async () => {
    const made = await post(pathOf(account, "password-link"));
    onSecret({ title: say("passwordLink"), text: say("passwordLinkText"), password: made.link, expires_at: made.expires_at });
  };
  const removeFactor = async () => {
    await remove(pathOf(account, "second-factor"));
    onChange(account, { second_factor: false });
    toast(say("factorRemoved", { who }));
  };
  const logInAt = async () => {
    await put(pathOf(account, "provider"), { provider });
    onChange(account, { link_allowed: provider, ...(!provider && { provider: null }) });
    toast(say("logInChanged", { who }));
  };
  const name = labelOfLogIn(provider ?? account.provider ?? account.link_allowed ?? "");
  const demoted = [sayLeaves(account), own ? say("losesAccess") : role === "admin" && say("adminAskText"), role === "doctor" && say("doctorReads")].filter(Boolean);
  const suspended = [
    say(own ? "losesAccess" : "suspendAskText"),
    patients > 0 && say("suspendDoctorText", { patients: sayCount("patientsStay", patients) }),
    patients > 0 && sayInCare(account),
  ].filter(Boolean);
  /** @type {Record<Exclude<Question["kind"], "approve" | "refuse" | "delete" | "move">, [string, string, string, () => Promise<void>]>} */
  const asked = {
    suspend: [say(own ? "suspendSelf" : "suspendAsk", { who }), suspended.join(" "), say("suspend"), () => suspend(account, onChange)],
    role: [own ? say("demoteSelf") : role === "admin" ? say("adminAsk", { who }) : `${say("changeRole")}${colon()}${who}`, demoted.join(" "), say(own || role !== "admin" ? "changeRole" : "makeAdmin"), () => setRole(account, /** @type {Account["role"]} */ (role), onChange)],
    link: [say("passwordLink"), say("passwordLinkAskText", { who }), say("passwordLink"), link],
    factor: [say("removeFactor"), say("removeFactorText", { who }), say("removeFactor"), removeFactor],
    logInAt: provider
      ? [say("allowLogInAsk", { who, name }), say("allowLogInText"), say("allowLogIn", { name }), logInAt]
      : [say("forbidLogInAsk", { who, name }), say("forbidLogInText"), say("forbidLogIn", { name }), logInAt],
  };
  const [title, text, confirm, go] = asked[question.kind];
  /** @type {Partial<Record<Question["kind"], [string, string]>>} */
  const changes = {
    suspend: [sayValue("is", account.status), say("is_suspended")],
    role: [sayValue("role", account.role), sayValue("role", role)],
    factor: [say("hasSecondFactor"), say("passwordAlone")],
    logInAt: provider ? [say("password"), name] : [name, say("password")],
  };
  const [before, after] = changes[question.kind] ?? [];
  return html`<${Confirm} title=${title} confirm=${confirm} onConfirm=${go} onClose=${onClose}>${before && html`<${Change} before=${before} after=${after} />`}<p>${text}</p>
    ${question.kind === "suspend" && account.role === "user" && html`<${LeftOpen} account=${account} after=${say("unsettledSuspended")} />`}<//>`;
};

/** A field that searches when one pauses. @param {{onSearch: (text: string) => void, label?: string, hint?: string, value?: string}} props */
export const Search = ({ onSearch, label = say("search"), hint = say("searchHint"), value = "" }) => {
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return html`
    <form class="filter" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <div class="field">
        <label for="search">${label}</label>
        <input id="search" type="search" autocomplete="off" maxlength="200" defaultValue=${value} placeholder=${hint}
          onInput=${(/** @type {FieldEvent} */ event) => {
            clearTimeout(timer.current);
            const text = event.target.value.trim();
            timer.current = window.setTimeout(() => onSearch(text), PAUSE_MS);
          }} />
      </div>
    </form>`;
};
