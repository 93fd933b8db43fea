// The way back from the clinic's log-in.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, getSession, post, setSession } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Form, Loading, Message, sayError } from "/console/components.js";
import { say } from "/console/language.js";
import { goTo, replacePlace } from "/console/navigation.js";
import { NOT_IN, PLACE_KEY, useCode } from "/console/views/login.js";

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
  if (failure) return html`<div class="card narrow"><h1>${say("title_login")}</h1>
    <${Message} kind="bad">${sayError(failure)}<//><p><a href="#/login">${say("title_login")}</a></p></div>`;
  if (!field) return html`<${Loading} />`;
  return html`
    <div class="card narrow">
      <h1>${say("title_login")}</h1>
      <${Form} onSend=${(/** @type {Record<string, string>} */ { code }) => finish(code)} label=${say("title_login")}>${field}<//>
    </div>`;
};
