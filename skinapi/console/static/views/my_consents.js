// @ts-check
// What one agrees to: the texts, what one has said of each and when, and how to take it back.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, put } from "/console/api.js";
import { Answer, Message, toast, useAct, useAnswer, useModal } from "/console/components.js";
import { colon, getLanguage, say, sayCount, sayDate, sayNumber, sayValue } from "/console/language.js";

/** @typedef {Api["ConsentView"]} Consent */
/** @typedef {(consent: Consent, given: boolean, more?: {erase_kept: boolean}) => Promise<void>} Decide */

/** What the account's own page says that one has agreed to. */
export const CONSENTS = /** @type {const} */ ([
  ["photos", "agreedPhotos"],
  ["llm", "agreedLlm"],
  ["training", "agreedTraining"],
  ["sharing", "agreedSharing"],
]);

/** What one has said of it, and when. @param {Consent} consent */
function sayState({ given, since, version, purpose }) {
  if (given === null) return say(purpose === "sharing" ? "sharingNotAsked" : purpose === "photos" ? "photosNotAsked" : "consentNotAsked");
  const words = given ? "consentGiven" : "consentRefused";
  if (!since) return say(given ? "consentGivenBefore" : "consentRefusedBefore");
  const said = say(words, { date: sayDate(since, false) });
  return version === null ? said : `${said} ${say("consentVersion", { version: sayNumber(version) })}`;
}

/** Asked before the consent to keep photos ends, of who has some.
 * @param {{photos: number, run: (given: {erase_kept: boolean}) => void, busy: boolean, failed: unknown, onClose: () => void}} props */
const AskErasure = ({ photos, run, busy, failed, onClose }) => {
  const dialog = useModal();
  const kept = useAnswer(() => get("/me/deletion"), []).value?.kept_until;
  return html`
    <dialog ref=${dialog} aria-label=${say("eraseKeptAsk")} onClose=${onClose}>
      <h2>${say("eraseKeptAsk")}</h2>
      <p>${say("eraseKeptText", { photos: sayCount("photos", photos) })}</p>
      ${failed}
      ${kept && html`<p>${say("recordKeptUntil", { date: sayDate(kept, false) })}</p>`}
      <div class="row">
        <button class="primary" disabled=${busy} onClick=${() => run({ erase_kept: true })}>${say("eraseKept")}</button>
        <button disabled=${busy} onClick=${() => run({ erase_kept: false })}>${say("keepTheKept")}</button>
        <button class="quiet" onClick=${onClose}>${say("cancel")}</button>
      </div>
    </dialog>`;
};

/** @param {{consent: Consent, photos: number, decide: Decide}} props */
const OneConsent = ({ consent, photos, decide }) => {
  const { purpose, given, newest, agreed, ask_again: again } = consent;
  const [asking, setAsking] = useState(false);
  const { run, busy, failed } = useAct();
  const choose = (/** @type {boolean} */ answer, /** @type {{erase_kept: boolean}} */ more = { erase_kept: false }) =>
    run(() => decide(consent, answer, more)).then((done) => done && setAsking(false));
  const refuse = () => (purpose === "photos" && photos > 0 ? setAsking(true) : choose(false));
  const id = `consent-${purpose}`;
  return html`
    <article class="consent" aria-labelledby=${id}>
      <h3 id=${id}>${newest.title}</h3>
      <p><small>${newest.text}</small></p>
      <p>${sayState(consent)}</p>
      ${again && html`<${Message}>
        <p>${say("consentAskAgain")}</p>
        ${agreed && html`<details><summary>${say("consentAgreedText")}</summary><p><small>${agreed.title}. ${agreed.text}</small></p></details>`}
      <//>`}
      <div class="row">
        ${(given !== true || again) && html`<button name=${`agree-${purpose}`} aria-describedby=${id} disabled=${busy} onClick=${() => choose(true)}>${say(again ? "agreeAgain" : "consentAgree")}</button>`}
        ${given !== false && html`<button class=${again || given === null ? "quiet" : null} name=${`refuse-${purpose}`} aria-describedby=${id} disabled=${busy} onClick=${refuse}>${say(given ? "takeBack" : "consentRefuse")}</button>`}
        ${given === false && purpose === "photos" && photos > 0 && html`<button class="danger" name="erase" disabled=${busy} onClick=${() => setAsking(true)}>${say("eraseKeptButton")}</button>`}
      </div>
      ${!asking && failed}
      ${asking && html`<${AskErasure} photos=${photos} busy=${busy} failed=${failed} run=${(/** @type {{erase_kept: boolean}} */ more) => choose(false, more)} onClose=${() => setAsking(false)} />`}
    </article>`;
};

/** @param {{history: Api["ConsentChangeView"][], consents: Consent[]}} props */
const History = ({ history, consents }) => {
  const title = (/** @type {string} */ purpose) => consents.find((one) => one.purpose === purpose)?.newest.title ?? purpose;
  return html`
    <details>
      <summary>${say("consentHistory", { n: sayNumber(history.length) })}</summary>
      <ol class="plain">
        ${history.map(({ at, purpose, given, version, way }) => html`<li>
          <time datetime=${at}>${sayDate(at)}</time>${colon()}${say(given ? "historyGiven" : "historyWithdrawn", { title: title(purpose) })}
          <br /><small>${sayValue("consentWay", way)}${version !== null && ` · ${say("consentVersion", { version: sayNumber(version) })}`}</small>
        </li>`)}
      </ol>
    </details>`;
};

/** @param {{onChange: () => void}} props */
export const MyConsents = ({ onChange }) => {
  const language = getLanguage();
  const answer = useAnswer(() => Promise.all([get(`/me/consents?lang=${language}`), get("/me/data/summary")]), [language]);
  /** @type {Decide} */
  const decide = async ({ purpose, newest }, given, more) => {
    await put("/me/consents", { [purpose]: given, texts: { [purpose]: newest.version }, language, ...(more?.erase_kept && more) });
    toast(say("saved"));
    answer.reload();
    onChange();
  };
  return html`
    <section class="card">
      <h2>${say("consents")}</h2>
      <p>${say("consentsText")}</p>
      <${Answer} answer=${answer}>
        ${(/** @type {[Api["ConsentsView"], Api["OwnDataSummary"]]} */ [{ consents, history }, { photos }]) => html`
          ${consents.map((consent) => html`<${OneConsent} key=${consent.purpose} consent=${consent} photos=${photos} decide=${decide} />`)}
          ${history.length > 0 && html`<${History} history=${history} consents=${consents} />`}`}
      <//>
    </section>`;
};
