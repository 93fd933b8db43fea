// @ts-check
import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, isWaitingForLogin, post, remove, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Field, Form, Message, sayError, toast } from "/console/components.js";
import { hasWords, say, sayDate, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { ClinicLogIns } from "/console/views/clinic_log_in.js";

/** An initial password opens nothing: it is replaced here, and one is logged in then. */
const INITIAL = "password_change_required";
/** The password is right, and the account has a second factor. */
const CODE = "code_required";

/** The password is right, and the account is not one to log in with: the page that says why. @type {Record<string, string>} */
export const NOT_IN = { account_not_approved: "waiting", account_suspended: "waiting/suspended" };

/** A code of the second factor. `asked`: the next thing to type. @param {{hint: string, asked?: boolean, name?: string}} props */
export const CodeField = ({ hint, asked = false, name = "code" }) => {
  useEffect(() => {
    if (asked) document.getElementById("field-code")?.focus();
  }, []);
  return html`<${Field} label=${say("code")} hint=${hint} name=${name} autocomplete="one-time-code"
    autocapitalize="none" spellcheck="false" maxlength="40" />`;
};

/** With what the owner of an account proves to be that: the password where there is one, and a code. @param {{me: Api["Me"] | undefined}} props */
export const OwnerFields = ({ me }) => html`
  ${me?.has_password === false ? html`<p>${say("justLoggedIn")}</p>` : html`<${Field} label=${say("yourPassword")} name="ownPassword" type="password" autocomplete="current-password" required />`}
  ${me?.second_factor && html`<${CodeField} hint=${say("codeHint")} name="ownCode" />`}`;

/** For a form that is sent without a code first: `ask` sends it, and once one is wanted, `field` is there. */
export function useCode() {
  const [wanted, setWanted] = useState(false);
  const ask = async (/** @type {() => Promise<void>} */ send) => {
    try {
      await send();
    } catch (error) {
      if (wanted || !(error instanceof ApiError) || error.code !== CODE) throw error;
      setWanted(true);
    }
  };
  return { ask, field: wanted && html`<${CodeField} hint=${say("codeHint")} asked />` };
}

/** @param {{email: string, password: string, code?: string}} given */
async function beginSession(given) {
  const answer = await post("/login", { ...given, client: nameOfClient(navigator.userAgent) });
  setSession({ token: answer.access_token, role: answer.role, email: given.email });
  if (answer.deletion_at) {
    const keep = () => remove("/me/deletion").then(() => toast(say("deletionTakenBack")), (error) => toast(sayError(error)));
    toast(say("deletionWaits", { date: sayDate(answer.deletion_at) }), keep, say("takeDeletionBack"));
  }
}

/** @param {{email?: string}} props */
export const LoginForm = ({ email = "" }) => {
  const [initial, setInitial] = useState(/** @type {{email: string, password: string} | null} */ (null));
  const { ask, field } = useCode();
  /** @param {Record<string, string>} values */
  const logIn = async ({ email, password, code }) => {
    try {
      await beginSession({ email, password, ...(code && { code }) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (Object.hasOwn(NOT_IN, error.code) && !isWaitingForLogin()) return goTo(NOT_IN[error.code]);
      if (error.code !== INITIAL) throw error;
      setInitial({ email, password });
    }
  };
  if (initial) return html`<${ReplacePassword} ...${initial} />`;
  return html`
    <${ClinicLogIns} />
    <${Form} onSend=${(/** @type {Record<string, string>} */ values) => ask(() => logIn(values))} label=${say("logIn")}>
      <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required defaultValue=${email} />
      <${Field} label=${say("password")} name="password" type="password" autocomplete="current-password" required />
      ${field}
    <//>`;
};

/** @param {{email: string, password: string}} props */
const ReplacePassword = ({ email, password }) => {
  const { ask, field } = useCode();
  const [done, setDone] = useState(false);
  /** @param {Record<string, string>} values */
  const replace = async ({ fresh, again, code }) => {
    if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
    await post("/password", { email, current_password: password, new_password: fresh, ...(code && { code }) });
    if (code) return setDone(true); // it is used up, and the login takes another one
    await beginSession({ email, password: fresh });
  };
  if (done) return html`<${Message} kind="good">${say("passwordSaved")}<//><${LoginForm} email=${email} />`;
  return html`
    <p>${say("initialPassword")}</p>
    <${Form} onSend=${(/** @type {Record<string, string>} */ values) => ask(() => replace(values))} label=${say("changePassword")}>
      <${NewPassword} />
      ${field}
    <//>`;
};

/** The new password, twice. */
export const NewPassword = () => html`
  <${Field} label=${say("newPassword")} hint=${say("passwordHint")} name="fresh" type="password"
    autocomplete="new-password" minlength="8" required />
  <${Field} label=${say("newPasswordAgain")} name="again" type="password"
    autocomplete="new-password" minlength="8" required />`;

/** The server says it in the page of a demo, and of nothing else.
 * @type {{password: string, people: {email: string, name: string, role: string}[]} | null} */
const DEMO = JSON.parse(document.querySelector("meta[name=demo]")?.getAttribute("content") ?? "null");

/** Who can log in, where this is a demo: one press each. */
export const DemoLogins = () => DEMO && html`
  <p>${say("demoText", { password: DEMO.password, email: DEMO.people[0].email })}</p>
  <ul class="plain">
    ${DEMO.people.map(({ email, name, role }) => html`<li>
      <button class="quiet" onClick=${() => beginSession({ email, password: DEMO.password }).catch((error) => toast(sayError(error)))}>${name}</button>
      ${" "}${sayValue("role", role)}</li>`)}
  </ul>`;

/** @param {{argument?: string}} props why one was not logged in at the clinic's log-in */
export const View = ({ argument = "" }) => html`
  <div class="card narrow">
    <h1>${say("logIn")}</h1>
    ${hasWords(`error_${argument}`) && html`<${Message} kind="bad">${sayError({ status: 403, code: argument, message: "" })}<//>`}
    <${DemoLogins} />
    <${LoginForm} />
    <p><a href="#/forgotten">${say("forgotten")}</a></p>
    <p>${say("noAccount")} <a href="#/register">${say("register")}</a></p>
  </div>`;
