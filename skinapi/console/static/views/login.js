// @ts-check
import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, isWaitingForLogin, post, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Field, Form } from "/console/components.js";
import { say } from "/console/language.js";

/** An initial password opens nothing: it is replaced here, and one is logged in then. */
const INITIAL = "password_change_required";

/** @param {{email?: string}} props */
export const LoginForm = ({ email = "" }) => {
  const [initial, setInitial] = useState(/** @type {{email: string, password: string} | null} */ (null));
  /** @param {Record<string, string>} values */
  const logIn = async ({ email, password }) => {
    const again = isWaitingForLogin();
    try {
      const answer = await post("/login", { email, password, client: nameOfClient(navigator.userAgent) });
      setSession({ token: answer.access_token, role: answer.role, email });
      if (!again) location.hash = "#/";
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== INITIAL) throw error;
      setInitial({ email, password });
    }
  };
  if (initial) return html`<${ReplacePassword} ...${initial} />`;
  return html`
    <${Form} onSend=${logIn} label=${say("logIn")}>
      <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required value=${email} />
      <${Field} label=${say("password")} name="password" type="password" autocomplete="current-password" required />
    <//>`;
};

/** @param {{email: string, password: string}} props */
const ReplacePassword = ({ email, password }) => {
  /** @param {Record<string, string>} values */
  const replace = async ({ fresh, again }) => {
    if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
    await post("/password", { email, current_password: password, new_password: fresh });
    const answer = await post("/login", { email, password: fresh, client: nameOfClient(navigator.userAgent) });
    const waited = isWaitingForLogin();
    setSession({ token: answer.access_token, role: answer.role, email });
    if (!waited) location.hash = "#/";
  };
  return html`
    <p>${say("initialPassword")}</p>
    <${Form} onSend=${replace} label=${say("changePassword")}>
      <${NewPassword} />
    <//>`;
};

/** The new password, twice. */
export const NewPassword = () => html`
  <${Field} label=${say("newPassword")} hint=${say("passwordHint")} name="fresh" type="password"
    autocomplete="new-password" minlength="8" required />
  <${Field} label=${say("newPasswordAgain")} name="again" type="password"
    autocomplete="new-password" minlength="8" required />`;

export const View = () => html`
  <div class="card narrow">
    <h1>${say("logIn")}</h1>
    <${LoginForm} />
    <p><a href="#/forgotten">${say("forgotten")}</a></p>
    <p>${say("noAccount")} <a href="#/register">${say("register")}</a></p>
  </div>`;
