// @ts-check
// What an admin does to an account: the list of accounts is made of this.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getSession, patch, post, put, remove } from "/console/api.js";
import { Confirm, Icon, Message, Pages, sayError, toast, usePages } from "/console/components.js";
import { isolated, say, sayDate, sayValue } from "/console/language.js";

export const ROLES = ["user", "doctor", "researcher", "admin"];
/** So long after the last key a search begins. */
const PAUSE_MS = 400;

/** What is shown once. @typedef {{title: string, text: string, password: string, expires_at?: string}} Told */
/** @typedef {Partial<Api["ListedAccount"]> & {gone?: boolean}} Changed */

/**
 * What is done to an account: `onChange` gets the fields that it changed, `onError` what went wrong.
 * @typedef {{account: Api["ListedAccount"], onChange: (fields: Changed) => void, onError: (error: Failed) => void}} Act
 */

/** @param {Api["ListedAccount"]} account @param {string} part */
const addressOf = (account, part) => apiPath`/users/${account.email}/${part}`;

/** What one click does. The second of a double click would do what has come under the pointer. @param {() => void} act */
const onFirstClick = (act) => (/** @type {MouseEvent} */ event) => event.detail <= 1 && act();

/** @param {Api["ListedAccount"]} account */
const isOneself = (account) => account.email === getSession()?.email;

/** The row may be gone when something is undone, so its error is told where the undoing was offered. */
const onError = (/** @type {Failed} */ error) => toast(sayError(error));

/**
 * The status that a verb of the API leads to, which is also the name of the sentence that says so.
 * @type {Record<string, "approved" | "suspended" | "waiting">}
 */
const STATUS_AFTER = { approve: "approved", suspend: "suspended", unapprove: "waiting" };
/** The verb that leads to a status. @type {Record<string, string>} */
const VERB_TO = { approved: "approve", suspended: "suspend", waiting: "unapprove" };

/** @param {Act} act @param {string} verb @param {Changed["role"]} [role] that an approval gives */
async function setStatus(act, verb, role) {
  const { account, onChange } = act;
  try {
    await patch(addressOf(account, verb), role && { role });
    const fields = { status: STATUS_AFTER[verb], ...(role && { role }) };
    onChange(fields);
    toast(say(STATUS_AFTER[verb], { email: account.email }), () =>
      setStatus({ account: { ...account, .../** @type {Partial<Api["ListedAccount"]>} */ (fields) }, onChange, onError }, VERB_TO[account.status]),
    );
  } catch (error) {
    act.onError(error);
  }
}

/** @param {Act} act @param {"role" | "doctor"} field @param {string | null} value */
export async function setField(act, field, value) {
  const { account, onChange } = act;
  try {
    await put(addressOf(account, field), { [field]: value });
    const fields = { [field]: value };
    onChange(fields);
    const done = field === "role" ? say("roleChanged", { email: account.email, role: sayValue("role", value ?? "") }) : say("assigned", { email: account.email });
    toast(done, () => setField({ account: { ...account, .../** @type {Partial<Api["ListedAccount"]>} */ (fields) }, onChange, onError }, field, account[field] ?? null));
  } catch (error) {
    act.onError(error);
  }
}

/** A password, or a link to choose one, that is shown this once. @param {{title: string, text: string, password: string, until?: string, file?: string, onClose: () => void}} props `file`: the name to download it under. */
export const Secret = ({ title, text, password, until, file, onClose }) => {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const open = () => dialog.current?.showModal(); // and again after Escape: nobody can show it once more
  useEffect(open, []);
  return html`
    <dialog ref=${dialog} aria-label=${title} onClose=${open}>
      <h2>${title}</h2>
      <p class="secret">${password}</p>
      <p>${text}${until && html` ${say("validUntil", { date: sayDate(until) })}`}</p>
      <div class="row end">
        ${navigator.clipboard &&
        html`<button class="quiet" onClick=${async () => {
          await navigator.clipboard.writeText(password).catch(() => {});
          toast(say("copied"));
        }}>${say("copy")}</button>`}
        ${file && html`<a class="button quiet" download=${file} href=${`data:text/plain,${encodeURIComponent(password)}`}>${say("download")}</a>`}
        <button class="primary" onClick=${onClose}>${say("done")}</button>
      </div>
    </dialog>`;
};

/** @typedef {{kind: "suspend" | "role" | "reset" | "link" | "factor" | "delete", role?: string}} Question */

/**
 * What is asked before it is done. @param {{act: Act, question: Question,
 * onSecret: (secret: Told) => void, onGone: () => void, onClose: () => void}} props
 */
const Ask = ({ act, question, onSecret, onGone, onClose }) => {
  const { account } = act;
  const { email } = account;
  const strict = {
    ...act,
    onError: (/** @type {Failed} */ error) => {
      throw error; // the question shows it
    },
  };
  /** @type {Record<Question["kind"], [string, string, string, () => Promise<void>]>} */
  const asked = {
    suspend: [say("suspendSelf"), say("losesAccess"), say("suspend"), () => setStatus(strict, "suspend")],
    role: [say("demoteSelf"), say("losesAccess"), say("changeRole"), () => setField(strict, "role", question.role ?? "")],
    reset: [
      say("resetAsk"),
      say("resetAskText", { email }),
      say("resetPassword"),
      async () =>
        onSecret({ title: say("resetPassword"), text: say("resetPasswordText"), ...(await post(addressOf(account, "reset-password"))) }),
    ],
    link: [
      say("passwordLink"),
      say("passwordLinkAskText", { email }),
      say("passwordLink"),
      async () => {
        const made = await post(addressOf(account, "password-link"));
        onSecret({ title: say("passwordLink"), text: say("passwordLinkText"), password: made.link, expires_at: made.expires_at });
      },
    ],
    factor: [
      say("removeFactor"),
      say("removeFactorText", { email }),
      say("removeFactor"),
      async () => {
        await remove(addressOf(account, "second-factor"));
        act.onChange({ second_factor: false });
        toast(say("factorRemoved", { email }));
      },
    ],
    delete: [
      say("deleteAccount"),
      say(account.role === "doctor" ? "deleteDoctorText" : "deleteAccountText", { email }),
      say("delete"),
      async () => {
        await remove(account.role === "doctor" ? apiPath`/doctors/${email}` : apiPath`/users/${email}`);
        toast(say("deleted"));
        onGone();
      },
    ],
  };
  const [title, text, confirm, go] = asked[question.kind];
  return html`<${Confirm} title=${title} confirm=${confirm} onConfirm=${go} onClose=${onClose}><p>${text}</p><//>`;
};

/** Approve or suspend, whichever it is not yet. @param {{act: Act, onAsk: (question: Question) => void}} props */
const StatusButton = ({ act, onAsk }) => {
  const { account } = act;
  if (account.status === "deleting") return null;
  /** @param {string} label @param {string} look @param {Changed["role"]} [role] */
  const approving = (label, look, role) => html`<button class=${look} aria-label=${`${label} ${isolated(account.email)}`}
    onClick=${onFirstClick(() => setStatus(act, "approve", role))}>${label}</button>`;
  if (account.status === "waiting" && account.role === "user" && account.wanted_role)
    return /** @type {const} */ ([account.wanted_role, "user"]).map((role, place) =>
      approving(say("approveAs", { role: sayValue("role", role) }), place ? "quiet" : "primary", role));
  if (account.status !== "approved") return approving(say("approve"), "primary");
  return html`<button aria-label=${`${say("suspend")} ${isolated(account.email)}`}
    onClick=${onFirstClick(() => (isOneself(account) ? onAsk({ kind: "suspend" }) : setStatus(act, "suspend")))}>${say("suspend")}</button>`;
};

/**
 * One account of a list; `extra` is what this list offers besides.
 * @param {{account: Api["ListedAccount"], onChange: (fields: Changed) => void, onGone: () => void, extra?: (act: Act) => any}} props
 */
const AccountRow = ({ account, onChange, onGone, extra }) => {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [question, setQuestion] = useState(/** @type {Question | null} */ (null));
  const [secret, setSecret] = useState(/** @type {Told | null} */ (null));
  const [managed, setManaged] = useState(false);
  const act = { account, onChange, onError: setError };
  /** @param {FieldEvent} event */
  const chooseRole = (event) => {
    const role = event.target.value;
    event.target.value = account.role; // until the server has agreed
    if (isOneself(account)) setQuestion({ kind: "role", role });
    else setField(act, "role", role);
  };
  return html`
    <li>
      <div class="grow">
        <strong>${isolated(account.name)}</strong>
        <span class="address">${isolated(account.email)}</span>
        <small>${sayValue("role", account.role)} · ${sayValue("is", account.status)} ·${" "}
          ${say("registeredAt", { date: sayDate(account.created_at, false) })}
          ${account.must_change_password && html` · ${say("initialPasswordOpen")}`}
          ${account.second_factor && html` · ${say("hasSecondFactor")}`}</small>
      </div>
      ${extra?.(act)}
      <${StatusButton} act=${act} onAsk=${setQuestion} />
      <button class="quiet manage" aria-expanded=${String(managed)} aria-label=${`${say("manage")} ${isolated(account.email)}`}
        onClick=${onFirstClick(() => setManaged(!managed))}>${say("manage")}</button>
      ${managed &&
      html`<div class="row folded">
          <label class="choice">${say("role")}
            <select value=${account.role} onChange=${chooseRole}>
              ${ROLES.map((role) => html`<option value=${role}>${sayValue("role", role)}</option>`)}
            </select></label>
          <button onClick=${() => setQuestion({ kind: "link" })}>${say("passwordLink")}</button>
          <button onClick=${() => setQuestion({ kind: "reset" })}>${say("resetPassword")}</button>
          ${account.second_factor &&
          !isOneself(account) &&
          html`<button onClick=${() => setQuestion({ kind: "factor" })}>${say("removeFactor")}</button>`}
          <button class="danger" onClick=${() => setQuestion({ kind: "delete" })}><${Icon} name="trash" />${say("delete")}</button>
        </div>`}
      ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
      ${question &&
      html`<${Ask} act=${act} question=${question} onSecret=${setSecret} onGone=${onGone}
        onClose=${() => setQuestion(null)} />`}
      ${secret &&
      html`<${Secret} title=${secret.title} text=${secret.text} password=${secret.password} until=${secret.expires_at}
        onClose=${() => setSecret(null)} />`}
    </li>`;
};

/**
 * The accounts under this path as the API gives them and as they were changed here since.
 * @param {{path: string, keeps: (account: Api["ListedAccount"]) => boolean, empty: any, extra?: (act: Act) => any,
 *   turn?: number}} props
 */
export const Accounts = ({ path, keeps, empty, extra, turn = 0 }) => {
  const pages = usePages(path);
  const [changes, setChanges] = useState(/** @type {Record<string, Changed>} */ ({}));
  useEffect(() => setChanges({}), [path]);
  useEffect(() => {
    if (turn) pages.reload();
  }, [turn]);
  // Fields alone: while one change is under way, another may be made to the same account.
  /** @param {Api["ListedAccount"]} account @param {Changed} fields */
  const change = (account, fields) =>
    setChanges((before) => ({ ...before, [account._id]: { ...before[account._id], ...fields } }));
  return html`
    <${Pages} pages=${pages} empty=${empty}>
      ${(/** @type {any[]} */ items) => {
        const shown = items.map((one) => ({ ...one, ...changes[one._id] })).filter((one) => !one.gone && keeps(one));
        if (shown.length === 0 && !pages.next) return empty;
        return html`<ul class="list">
          ${shown.map(
            (account) => html`<${AccountRow} key=${account._id} account=${account} extra=${extra}
              onChange=${(/** @type {Changed} */ fields) => change(account, fields)} onGone=${() => change(account, { gone: true })} />`,
          )}
        </ul>`;
      }}
    <//>`;
};

/** A field that searches when one pauses. @param {{onSearch: (text: string) => void}} props */
export const Search = ({ onSearch }) => {
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return html`
    <form class="filter" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <div class="field">
        <label for="search">${say("search")}</label>
        <input id="search" type="search" autocomplete="off" maxlength="200" placeholder=${say("searchHint")}
          onInput=${(/** @type {FieldEvent} */ event) => {
            clearTimeout(timer.current);
            const text = event.target.value.trim();
            timer.current = window.setTimeout(() => onSearch(text), PAUSE_MS);
          }} />
      </div>
    </form>`;
};
