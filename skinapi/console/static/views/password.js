// @ts-check
// Replaces an initial password, or one's own, without a session.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, post } from "/console/api.js";
import { Field, Form, Message } from "/console/components.js";
import { say } from "/console/language.js";
import { NewPassword, useCode } from "/console/views/login.js";

export const View = () => {
  const [done, setDone] = useState(false);
  const { ask, field } = useCode();
  /** @param {Record<string, string>} values */
  const change = async ({ email, current, fresh, again, code }) => {
    if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
    await post("/password", { email, current_password: current, new_password: fresh, ...(code && { code }) });
    setDone(true);
  };
  return html`
    <div class="card narrow">
      <h1>${say("title_password")}</h1>
      <p>${say("passwordText")}</p>
      ${done
        ? html`<${Message} kind="good">${say("passwordChanged")} <a href="/#/login">${say("logIn")}</a><//>`
        : html`<${Form} onSend=${(/** @type {Record<string, string>} */ values) => ask(() => change(values))} label=${say("changePassword")}>
            <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required />
            <${Field} label=${say("currentPassword")} name="current" type="password"
              autocomplete="current-password" required />
            <${NewPassword} />
            ${field}
          <//>`}
    </div>`;
};
