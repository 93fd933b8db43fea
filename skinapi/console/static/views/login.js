// Logging in, with a password or at the clinic, and what comes before: an account, an approval, a password.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, get, getSession, isWaitingForLogin, post, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { CallClinic, RESPONSIBLE } from "/console/clinic.js";
import { Field, Form, Load, Message, sayError, Select, toast, useAct } from "/console/components.js";
import { hasWords, isolated, say, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";

/** The places by their names, which the server says in the page; `start`: what is posted to begin. @type {Record<string, {label: string, start: string}>} */
const LOG_INS = JSON.parse(document.querySelector("meta[name=log-ins]")?.getAttribute("content") ?? "{}");
/** Where one was when one left for the clinic's log-in. */
export const PLACE_KEY = "skinapi.place";

export const namesOfLogIns = () => Object.keys(LOG_INS);

/** @param {string} name */
export const labelOfLogIn = (name) => isolated(Object.hasOwn(LOG_INS, name) ? LOG_INS[name].label : name);

const ClinicLogIns = () => {
  const { run, busy, failed } = useAct();
  const begin = (/** @type {string} */ name) => run(async () => {
    const { address } = await post(LOG_INS[name].start);
    if (getSession()) sessionStorage.setItem(PLACE_KEY, location.hash);
    location.assign(address);
  });
  if (namesOfLogIns().length === 0) return null;
  return html`
    <div class="log-ins">
      ${namesOfLogIns().map((name) => html`<button disabled=${busy} onClick=${() => begin(name)}>${say("logInAt", { name: labelOfLogIn(name) })}</button>`)}
      ${getSession() && html`<small>${say("logInAtLoses")}</small>`}
      ${failed}
    </div>`;
};

/** An initial password opens nothing: it is replaced here, and one is logged in then. */
const INITIAL = "password_change_required";
/** The password is right, and the account has a second factor. */
const CODE = "code_required";

/** The password is right, and the account is not one to log in with: the page that says why. @type {Record<string, string>} */
export const NOT_IN = { account_not_approved: "waiting", account_suspended: "waiting/suspended" };
const REFUSED = "account_refused";

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
}

/** To whoever cannot log in no time is said: it could be a milder one than they were told. */
const ToldStands = () => html`<p>${say("toldStands")}</p><${CallClinic} />`;

/** @param {{email?: string}} props */
export const LoginForm = ({ email = "" }) => {
  const [initial, setInitial] = useState(/** @type {{email: string, current: string} | null} */ (null));
  const [replaced, setReplaced] = useState(false);
  const [refused, setRefused] = useState(false);
  const { ask, field } = useCode();
  const logIn = async (/** @type {Record<string, string>} */ { email, password, code }) => {
    try {
      await beginSession({ email, password, ...(code && { code }) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (Object.hasOwn(NOT_IN, error.code) && !isWaitingForLogin()) return goTo(NOT_IN[error.code]);
      setRefused(error.code === REFUSED);
      if (error.code !== INITIAL) throw error;
      setInitial({ email, current: password });
    }
  };
  /** A code is used up: the login takes another one. @param {{email: string, password: string, code?: string}} now */
  const goOn = ({ email, password, code }) => (code ? setReplaced(true) : beginSession({ email, password }));
  if (initial && !replaced) return html`<p>${say("initialPassword")}</p><${ReplacePassword} known=${initial} onReplaced=${goOn} />`;
  return html`
    ${replaced && html`<${Message} kind="good">${say("passwordSaved")}<//>`}
    <${ClinicLogIns} />
    <${Form} onSend=${(/** @type {Record<string, string>} */ values) => ask(() => logIn(values))} label=${say("title_login")}>
      <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required defaultValue=${initial?.email ?? email} />
      <${Field} label=${say("password")} name="password" type="password" autocomplete="current-password" required />
      ${field}
    <//>
    ${refused && html`<${ToldStands} />`}`;
};

/** Replaces an initial password, or one that is known, without a session. @param {{known?: {email: string, current: string},
 *   onReplaced: (now: {email: string, password: string, code?: string}) => unknown}} props */
const ReplacePassword = ({ known, onReplaced }) => {
  const { ask, field } = useCode();
  const replace = async (/** @type {Record<string, string>} */ values) => {
    const { email, current, fresh, again, code } = /** @type {Record<string, string>} */ ({ ...known, ...values });
    if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
    await post("/password", { email, current_password: current, new_password: fresh, ...(code && { code }) });
    await onReplaced({ email, password: fresh, code });
  };
  return html`
    <${Form} onSend=${(/** @type {Record<string, string>} */ values) => ask(() => replace(values))} label=${say("changePassword")}>
      ${!known && html`
        <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required />
        <${Field} label=${say("currentPassword")} name="current" type="password" autocomplete="current-password" required />`}
      <${NewPassword} />
      ${field}
    <//>`;
};

export const NewPassword = () => html`
  <${Field} label=${say("newPassword")} hint=${say("passwordHint")} name="fresh" type="password"
    autocomplete="new-password" minlength="8" required />
  <${Field} label=${say("newPasswordAgain")} name="again" type="password"
    autocomplete="new-password" minlength="8" required />`;

/** The server says it in the page of a demo, and of nothing else.
 * @type {{password: string, people: {email: string, name: string, role: string}[]} | null} */
const DEMO = JSON.parse(document.querySelector("meta[name=demo]")?.getAttribute("content") ?? "null");

/** Who can log in, where this is a demo: one press each. */
const DemoLogins = () => DEMO && html`
  <p>${say("demoText", { password: DEMO.password, email: DEMO.people[0].email })}</p>
  <ul class="plain">
    ${DEMO.people.map(({ email, name, role }) => html`<li>
      <button class="quiet" onClick=${() => beginSession({ email, password: DEMO.password }).catch((error) => toast(sayError(error)))}>${name}</button>
      ${" "}${sayValue("role", role)}</li>`)}
  </ul>`;

/** The way in, and what leads to it. */
export const WayIn = () => html`
  <${DemoLogins} />
  <${LoginForm} />
  <p><a href="#/forgotten">${say("forgotten")}</a></p>
  <p>${say("noAccount")} <a href="#/register">${say("title_register")}</a></p>`;

/** @param {{argument?: string}} props why one was not logged in at the clinic's log-in */
const LoginPage = ({ argument = "" }) => html`
  <div class="card narrow">
    <h1>${say("title_login")}</h1>
    ${hasWords(`error_${argument}`) && html`<${Message} kind="bad">${sayError({ status: 403, code: argument, message: "" })}<//>`}
    ${(argument === REFUSED || Object.hasOwn(NOT_IN, argument)) && html`<${ToldStands} />`}
    <${WayIn} />
  </div>`;

/** @param {{argument?: string, wanted?: string}} props `suspended`, or else it waits for approval, as the role that is wanted: only a patient sends photos */
const Waiting = ({ argument, wanted = "" }) => {
  const suspended = argument === "suspended";
  return html`
    <div class="card narrow">
      <h1>${say(suspended ? "suspendedTitle" : "waitingTitle")}</h1>
      <p>${say(suspended ? "suspendedText" : wanted ? "waitingTextStaff" : "waitingText")}</p>
      ${!suspended && html`<p>${say("waitingHeard")}</p>`}
      ${!wanted && html`<p><strong>${say("waitingUrgent")}</strong></p>`}
      ${wanted ? html`<${CallClinic} />` : html`<${ToldStands} />`}
      <a class="button" href="#/sample">${say("trySample")}</a>
    </div>`;
};

/** What `children` makes of the account; before that is approved, what comes next. @param {{children: (me: Api["Me"]) => unknown}} props */
export const Approved = ({ children }) => html`
  <${Load} ask=${() => get("/me")}>${(/** @type {Api["Me"]} */ me) => (me.status === "waiting" ? html`<${Waiting} />` : children(me))}<//>`;

/** What is stored of whoever registers, and who answers for it. */
const Privacy = () => html`
  <p><small>${say("privacyText")} ${RESPONSIBLE.name ? say("privacyBy", { name: RESPONSIBLE.name }) : say("privacyByUnknown")}
    ${RESPONSIBLE.notice && html` <a href=${RESPONSIBLE.notice} rel="noreferrer noopener" target="_blank">${say("privacyNotice")}</a>`}</small></p>`;

const Register = () => {
  const [done, setDone] = useState(/** @type {{wanted: string} | null} */ (null));
  const register = async (/** @type {Record<string, string>} */ { name, email, password, wanted }) => {
    await post("/register", { name, email, password, ...(wanted && { wanted_role: wanted }), client: nameOfClient(navigator.userAgent) });
    setDone({ wanted });
  };
  if (done) return html`<${Waiting} wanted=${done.wanted} />`;
  return html`
    <div class="card narrow">
      <h1>${say("title_register")}</h1>
      <p>${say("registerText")}</p>
      <${Form} onSend=${register} label=${say("title_register")}>
        <${Field} label=${say("name")} name="name" autocomplete="name" required />
        <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required />
        <${Field} label=${say("password")} hint=${say("passwordHint")} name="password" type="password"
          autocomplete="new-password" minlength="8" required />
        <${Select} label=${say("wantedRole")} name="wanted"
          options=${[["", say("role_user")], ["doctor", say("role_doctor")], ["researcher", say("role_researcher")]]} />
        <${Privacy} />
      <//>
      <p>${say("haveAccount")} <a href="#/login">${say("title_login")}</a></p>
    </div>`;
};

const InitialPassword = () => {
  const [done, setDone] = useState(false);
  return html`
    <div class="card narrow">
      <h1>${say("title_password")}</h1>
      <p>${say("passwordText")}</p>
      ${done
        ? html`<${Message} kind="good">${say("passwordSaved")}. <a href="/#/login">${say("title_login")}</a><//>`
        : html`<${ReplacePassword} onReplaced=${() => setDone(true)} />`}
    </div>`;
};

const AskForLink = () => {
  const [asked, setAsked] = useState(false);
  const ask = async (/** @type {Record<string, string>} */ { email }) => {
    await post("/password/forgotten", { email });
    setAsked(true);
  };
  if (asked) return html`<${Message} kind="good">${say("linkSent")}<//>`;
  return html`
    <p>${say("forgottenText")}</p>
    <${Form} onSend=${ask} label=${say("sendLink")}>
      <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required />
    <//>`;
};

const ChoosePassword = (/** @type {{token: string}} */ { token }) => {
  const [done, setDone] = useState(false);
  const choose = async (/** @type {Record<string, string>} */ { fresh, again }) => {
    if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
    await post("/password/reset", { token, new_password: fresh });
    setDone(true);
  };
  if (done) return html`<${Message} kind="good">${say("passwordSaved")}. <a href="#/login">${say("title_login")}</a><//>`;
  return html`
    <p>${say("choosePasswordText")}</p>
    <${Form} onSend=${choose} label=${say("changePassword")}><${NewPassword} /><//>
    <p><a href="#/forgotten">${say("newLink")}</a></p>`;
};

/** @param {{argument: string}} props the argument is the token of a link */
const Forgotten = ({ argument }) => html`
  <div class="card narrow">
    <h1>${say("title_forgotten")}</h1>
    ${argument ? html`<${ChoosePassword} token=${argument} />` : html`<${AskForLink} />`}
  </div>`;

export const VIEWS = { login: LoginPage, register: Register, password: InitialPassword, forgotten: Forgotten, waiting: Waiting };
