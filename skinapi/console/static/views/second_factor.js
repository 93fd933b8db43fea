// @ts-check
// The second factor of one's own account: set it up with an authenticator app, or remove it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { post } from "/console/api.js";
import { Field, Form, Message, toast } from "/console/components.js";
import { say } from "/console/language.js";
import { CodeField } from "/console/views/login.js";
import { Secret } from "/console/views/secret.js";

/** White around it, as scanners need it, also in the dark. */
const MARGIN = 4;

/** @param {{qr: {side: number, path: string}}} props */
const QrCode = ({ qr }) => {
  const wide = qr.side + 2 * MARGIN;
  return html`<svg class="qr" viewBox="${-MARGIN} ${-MARGIN} ${wide} ${wide}" role="img" aria-label=${say("qrCode")}>
    <path d=${qr.path} /></svg>`;
};

/** The password of the account, if it has one here, before anything is changed. @param {{me: Api["Me"]}} props */
const Password = ({ me }) => me.has_password !== false && html`<${Field} label=${say("yourPassword")} name="factorPassword" type="password"
  autocomplete="current-password" required />`;

/** @param {{me: Api["Me"], onDone: () => void}} props */
const SetUp = ({ me, onDone }) => {
  const [made, setMade] = useState(/** @type {Api["SecondFactorSecret"] | null} */ (null));
  const [recovery, setRecovery] = useState(/** @type {string[] | null} */ (null));
  if (recovery)
    return html`<${Secret} title=${say("recoveryCodes")} text=${say("recoveryCodesText")} password=${recovery.join("\n")}
      file="skinapi-recovery-codes.txt" onClose=${onDone} />`;
  if (!made)
    return html`<${Form} key="password" label=${say("showQrCode")} onSend=${async (/** @type {Record<string, string>} */ { factorPassword = "" }) =>
      setMade(await post("/me/second-factor", { current_password: factorPassword }))}><${Password} me=${me} /><//>`;
  return html`
    <p>${say("scanCode")}</p>
    <${QrCode} qr=${made.qr} />
    <p><a href=${made.uri}>${say("openApp")}</a></p>
    <p>${say("typeSecret")}<br /><code class="key">${made.secret.match(/.{4}/g)?.join(" ")}</code></p>
    <${Form} key="code" label=${say("confirmCode")} onSend=${async (/** @type {Record<string, string>} */ { code }) =>
      setRecovery((await post("/me/second-factor/confirm", { code })).recovery_codes)}>
      <${CodeField} hint=${say("codeOfApp")} /><//>`;
};

/** @param {{me: Api["Me"], onDone: () => void}} props */
const Remove = ({ me, onDone }) => html`
  <details class="factor"><summary>${say("removeFactor")}</summary>
    <${Form} label=${say("removeFactor")} onSend=${async (/** @type {Record<string, string>} */ { factorPassword = "", code }) => {
      await post("/me/second-factor/remove", { current_password: factorPassword, code });
      toast(say("factorRemovedOwn"));
      onDone();
    }}><${Password} me=${me} /><${CodeField} hint=${say("codeHint")} /><//></details>`;

/** @param {{me: Api["Me"], onChange: () => void}} props */
export const SecondFactorCard = ({ me, onChange }) => html`
  <section class="card">
    <h2>${say("secondFactor")}</h2>
    ${me.second_factor_missing && html`<${Message}>${say("factorMissing")}<//>`}
    <p>${me.second_factor ? say("factorIsOn", { count: `${me.recovery_codes_left}` }) : say("secondFactorText")}</p>
    ${me.second_factor
      ? html`<${Remove} me=${me} onDone=${onChange} />`
      : html`<details class="factor" open=${me.second_factor_missing}><summary>${say("setUp")}</summary><${SetUp} me=${me} onDone=${onChange} /></details>`}
  </section>`;
