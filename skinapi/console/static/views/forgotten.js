// @ts-check
// A forgotten password: ask for a link by mail; with a link, choose a new one.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, post } from "/console/api.js";
import { Field, Form, Message } from "/console/components.js";
import { say } from "/console/language.js";
import { NewPassword } from "/console/views/login.js";

const Ask = () => {
  const [asked, setAsked] = useState(false);
  /** @param {Record<string, string>} values */
  const ask = async ({ email }) => {
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

/** @param {{token: string}} props */
const Choose = ({ token }) => {
  const [done, setDone] = useState(false);
  /** @param {Record<string, string>} values */
  const choose = async ({ fresh, again }) => {
    if (fresh !== again) throw new ApiError(400, "differ", say("passwordsDiffer"));
    await post("/password/reset", { token, new_password: fresh });
    setDone(true);
  };
  if (done) return html`<${Message} kind="good">${say("passwordChanged")} <a href="#/login">${say("logIn")}</a><//>`;
  return html`
    <p>${say("choosePasswordText")}</p>
    <${Form} onSend=${choose} label=${say("changePassword")}><${NewPassword} /><//>
    <p><a href="#/forgotten">${say("newLink")}</a></p>`;
};

/** @param {{argument: string}} props the argument is the token of a link */
export const View = ({ argument }) => html`
  <div class="card narrow">
    <h1>${say("title_forgotten")}</h1>
    ${argument ? html`<${Choose} token=${argument} />` : html`<${Ask} />`}
  </div>`;
