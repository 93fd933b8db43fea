// @ts-check
// Log-in with the clinic's accounts: a button for each place where they log in, and the way back from there.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, ApiError, getSession, post, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Form, Loading, Message, sayError, useAct } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { goTo, replacePlace } from "/console/navigation.js";
import { NOT_IN, useCode } from "/console/views/login.js";

/** The places by their names, which the server says in the page; `links`: whether an account that is here already may be let in. @type {Record<string, {label: string, links: boolean}>} */
const LOG_INS = JSON.parse(document.querySelector("meta[name=log-ins]")?.getAttribute("content") ?? "{}");
/** Where one was when the session ended. */
const PLACE_KEY = "skinapi.place";

export const namesOfLogIns = () => Object.keys(LOG_INS);

export const namesOfLinkedLogIns = () => namesOfLogIns().filter((name) => LOG_INS[name].links);

/** @param {string} name */
export const labelOfLogIn = (name) => isolated(Object.hasOwn(LOG_INS, name) ? LOG_INS[name].label : name);

/** One button for each place. */
export const ClinicLogIns = () => {
  const { run, busy, failed } = useAct();
  /** @param {string} name */
  const begin = (name) => run(async () => {
    const { address } = await post(apiPath`/auth/oidc/${name}/start`);
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

/** Who is back is logged in here, perhaps with a code first. */
export const View = () => {
  const [failure, setFailure] = useState(/** @type {Failed | null} */ (null));
  const { ask, field } = useCode();
  /** @param {string} [code] */
  const finish = async (code) => {
    const client = nameOfClient(navigator.userAgent);
    /** @type {Api["LoggedInAtClinic"]} */
    const answer = await post("/auth/oidc/finish", { client, ...(code && { code }) });
    const place = (getSession() && sessionStorage.getItem(PLACE_KEY)) || "";
    sessionStorage.removeItem(PLACE_KEY);
    setSession({ token: answer.access_token, role: answer.role, email: answer.email, ...(answer.log_out && { leave: answer.log_out }) });
    replacePlace(place.replace(/^#\//, ""));
  };
  useEffect(() => {
    ask(() => finish()).catch((/** @type {unknown} */ error) => {
      if (error instanceof ApiError && Object.hasOwn(NOT_IN, error.code)) return goTo(NOT_IN[error.code]);
      setFailure(/** @type {Failed} */ (error));
    });
  }, []);
  if (failure) return html`<div class="card narrow"><h1>${say("logIn")}</h1>
    <${Message} kind="bad">${sayError(failure)}<//><p><a href="#/login">${say("logIn")}</a></p></div>`;
  if (!field) return html`<${Loading} />`;
  return html`
    <div class="card narrow">
      <h1>${say("logIn")}</h1>
      <${Form} onSend=${(/** @type {Record<string, string>} */ { code }) => finish(code)} label=${say("logIn")}>${field}<//>
    </div>`;
};
