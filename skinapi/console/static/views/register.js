// @ts-check
import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { post } from "/console/api.js";
import { nameOfClient } from "/console/browser.js";
import { Field, Form, Select } from "/console/components.js";
import { say } from "/console/language.js";
import { View as Waiting } from "/console/views/waiting.js";

export const View = () => {
  const [done, setDone] = useState(false);
  /** @param {Record<string, string>} values */
  const register = async ({ name, email, password, wanted }) => {
    await post("/register", { name, email, password, ...(wanted && { wanted_role: wanted }), client: nameOfClient(navigator.userAgent) });
    setDone(true);
  };
  if (done) return html`<${Waiting} />`;
  return html`
    <div class="card narrow">
      <h1>${say("register")}</h1>
      <p>${say("registerText")}</p>
      <${Form} onSend=${register} label=${say("register")}>
        <${Field} label=${say("name")} name="name" autocomplete="name" required />
        <${Field} label=${say("email")} name="email" type="email" autocomplete="username" required />
        <${Field} label=${say("password")} hint=${say("passwordHint")} name="password" type="password"
          autocomplete="new-password" minlength="8" required />
        <${Select} label=${say("wantedRole")} name="wanted"
          options=${[["", say("role_user")], ["doctor", say("role_doctor")], ["researcher", say("role_researcher")]]} />
      <//>
      <p>${say("haveAccount")} <a href="#/login">${say("logIn")}</a></p>
    </div>`;
};
