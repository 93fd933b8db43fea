// What is stored about oneself: what one agrees to, all of it as one file, who else has looked at it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, patch, post, put, remove, saveFile } from "/console/api.js";
import { Answer, Field, Form, Load, Message, toast, useAct, useAnswer, useModal } from "/console/components.js";
import { colon, getLanguage, hasWords, isolated, say, sayBytes, sayCount, sayDate, sayList, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { Pages, Polled, usePages, usePolling } from "/console/lists.js";
import { CodeField } from "/console/views/login.js";
import { MyDeletion } from "/console/views/my_deletion.js";
import { AskPerson } from "/console/views/photo_questions.js";

/** @typedef {Api["ConsentView"]} Consent */
/** @typedef {(consent: Consent, given: boolean, more?: {erase_kept: boolean}) => Promise<void>} Decide */

/** What one has said of it, and when. @param {Consent} consent */
function sayState({ given, since, purpose }) {
  if (given === null) return say(purpose === "sharing" ? "sharingNotAsked" : purpose === "photos" ? "photosNotAsked" : "consentNotAsked");
  const words = given ? "consentGiven" : "consentRefused";
  if (!since) return say(given ? "consentGivenBefore" : "consentRefusedBefore");
  return say(words, { date: sayDate(since, false) });
}

/** Asked before the consent to keep photos ends, of who has some.
 * @param {{photos: number, run: (given: {erase_kept: boolean}) => void, busy: boolean, failed: unknown, onClose: () => void}} props */
const AskErasure = ({ photos, run, busy, failed, onClose }) => {
  const dialog = useModal();
  const kept = useAnswer(() => get("/me/deletion"), []).value?.record_kept_until;
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

const OneConsent = (/** @type {{consent: Consent, photos: number, decide: Decide}} */ { consent, photos, decide }) => {
  const { purpose, given, newest, agreed, ask_again: again } = consent;
  const [asking, setAsking] = useState(false);
  const { run, busy, failed } = useAct();
  const choose = (/** @type {boolean} */ answer, /** @type {{erase_kept: boolean}} */ more = { erase_kept: false }) =>
    run(() => decide(consent, answer, more)).then((done) => done && setAsking(false));
  const refuse = () => (purpose === "photos" && photos > 0 ? setAsking(true) : choose(false));
  const id = `consent-${purpose}`;
  return html`
    <article class="consent" aria-labelledby=${id}>
      <details open=${given !== true || again}><summary><h3 id=${id}>${newest.title}</h3></summary><p><small>${newest.text}</small></p></details>
      <p>${sayState(consent)}</p>
      ${again && html`<${Message}>
        <p>${say("consentAskAgain")}</p>
        ${agreed && html`<details><summary>${say("consentAgreedText")}</summary><p><small>${agreed.title}. ${agreed.text}</small></p></details>`}
      <//>`}
      <div class="row">
        ${(given !== true || again) && html`<button name=${`agree-${purpose}`} aria-describedby=${id} disabled=${busy} onClick=${() => choose(true)}>${say(again ? "agreeAgain" : "consentAgree")}</button>`}
        ${given !== false && html`<button class=${again || given === null ? "quiet" : null} name=${`refuse-${purpose}`} aria-describedby=${id} disabled=${busy} onClick=${refuse}>${say(given ? "takeBack" : "refuse")}</button>`}
        ${given === false && purpose === "photos" && photos > 0 && html`<button class="danger" name="erase" disabled=${busy} onClick=${() => setAsking(true)}>${say("eraseKeptButton")}</button>`}
      </div>
      ${!asking && failed}
      ${asking && html`<${AskErasure} photos=${photos} busy=${busy} failed=${failed} run=${(/** @type {{erase_kept: boolean}} */ more) => choose(false, more)} onClose=${() => setAsking(false)} />`}
    </article>`;
};

const History = (/** @type {{history: Api["ConsentChangeView"][], consents: Consent[]}} */ { history, consents }) => {
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

const MyConsents = (/** @type {{onChange: () => void}} */ { onChange }) => {
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
      <${Answer} answer=${answer}>
        ${(/** @type {[Api["ConsentsView"], Api["OwnDataSummary"]]} */ [{ consents, history }, { photos }]) => html`
          ${consents.map((consent) => html`<${OneConsent} key=${consent.purpose} consent=${consent} photos=${photos} decide=${decide} />`)}
          ${history.length > 0 && html`<${History} history=${history} consents=${consents} />`}`}
      <//>
    </section>`;
};

/** What one tells of oneself once, for photos to come. @param {{me: Api["Me"]}} props */
const MyPerson = ({ me }) => {
  const save = async (/** @type {Record<string, string>} */ { birth_year, age, sex }) => {
    if (birth_year && !age) return; // the field says what is wrong
    await patch("/me", { birth_year: Number(birth_year) || null, sex: sex || null });
    toast(say("saved"));
  };
  return html`
    <section class="card">
      <h2>${say("aboutYou")}</h2>
      <p>${say("personText")}</p>
      <${Form} label=${say("save")} kind="" onSend=${save}>
        <${AskPerson} told=${{ birth_year: String(me.birth_year ?? ""), sex: me.sex ?? "" }} />
      <//>
    </section>`;
};

const NAME = "skinapi-my-data.zip";
const UNDER_WAY = ["waiting", "making"];

/** Of oneself, or of a patient of another system. @param {string | undefined} patient @param {string} part */
const fileAt = (patient, part = "") => `/me/file${part}${patient ? `?${new URLSearchParams({ patient })}` : ""}`;

const Stored = (/** @type {{me: Api["Me"]}} */ { me }) => html`
  <${Load} ask=${() => get("/me/data/summary")} inputs=${[me]}>
    ${(/** @type {Api["OwnDataSummary"]} */ { since: registered, ...stored }) => {
      const counts = Object.entries(stored).filter(([, count]) => count > 0).map(([nouns, count]) => sayCount(nouns, count));
      const since = sayDate(registered, false);
      return html`<p>${counts.length > 0 ? say("dataStored", { since, stored: sayList(counts) }) : say("nothingStored", { since })}</p>`;
    }}
  <//>`;

/** Who asks is asked for the password: the file tells everything. @param {{me: Api["Me"], patient?: string, onAsked: () => void, onClose: () => void}} props */
const AskForFile = ({ me, patient, onAsked, onClose }) => {
  const dialog = useModal();
  const ask = async (/** @type {Record<string, string>} */ { filePassword = "", fileCode }) => {
    await post(fileAt(patient), { current_password: filePassword, ...(fileCode && { code: fileCode }) });
    onAsked();
  };
  return html`
    <dialog ref=${dialog} aria-label=${say("fileAsk")} onClose=${onClose}>
      <h2>${say("fileAsk")}</h2>
      <p>${say("fileAskText")}</p>
      <${Form} label=${say("fileMake")} onSend=${ask} onClose=${onClose}>
        ${me.has_password !== false && html`<${Field} label=${say("yourPassword")} name="filePassword" type="password" autocomplete="current-password" required />`}
        ${me.second_factor && html`<${CodeField} hint=${say("codeHint")} name="fileCode" />`}
      <//>
    </dialog>`;
};

/** @typedef {{file: Api["FileView"], patient?: string, onChange: () => void}} OneFile */

const Delete = (/** @type {{words: WordKey, patient?: string, onChange: () => void}} */ { words, patient, onChange }) => {
  const { run, busy, failed } = useAct();
  return html`<button disabled=${busy} onClick=${() => run(() => remove(fileAt(patient)).then(onChange))}>${say(words)}</button>${failed}`;
};

const UnderWay = (/** @type {OneFile} */ { file, patient, onChange }) => html`
  <p><progress max="100" value=${file.state === "making" ? file.progress : null} aria-label=${say("fileMaking")}></progress></p>
  <p>${file.state === "making" ? say("fileMakingText", { share: sayPercent(Math.round(file.progress) / 100) }) : say("fileWaits")}</p>
  ${file.no_worker && html`<${Message} kind="warn">${say("fileNoWorkers")}<//>`}
  <p><${Delete} words="fileStop" patient=${patient} onChange=${onChange} /></p>`;

const Ready = (/** @type {OneFile} */ { file, patient, onChange }) => {
  const { run, busy, failed } = useAct();
  const fetched = () => run(async () => {
    try {
      await saveFile(fileAt(patient, "/download"), "application/zip", NAME, "POST");
      toast(say("fileSaved"));
    } finally {
      onChange();
    }
  });
  return html`
    <p>${say("fileReady", { size: sayBytes(file.bytes), until: sayDate(file.until ?? "") })}</p>
    ${failed}
    <p class="row"><button disabled=${busy} onClick=${fetched}>${say(busy ? "loading" : "fileFetch")}</button>
      <${Delete} words="fileDelete" patient=${patient} onChange=${onChange} /></p>`;
};

const Failed = (/** @type {{file: Api["FileView"]}} */ { file }) => {
  const why = /** @type {WordKey} */ (`error_${file.error_code}`);
  return html`<${Message} kind="bad">${say("fileFailed")} ${hasWords(why) ? say(why) : file.error}<//>`;
};

/** A file from asking for it to fetching it. @param {{me: Api["Me"], patient?: string}} props whoever asks; the e-mail of the patient whose file it is, if that is another */
export const FileAt = ({ me, patient }) => {
  const [asking, setAsking] = useState(false);
  const polled = usePolling(() => get(fileAt(patient)), [patient], (/** @type {Api["FileView"]} */ file) => UNDER_WAY.includes(file.state));
  const change = () => {
    setAsking(false);
    polled.reload();
  };
  return html`
    <${Polled} polled=${polled}>
      ${(/** @type {Api["FileView"]} */ file) => {
        if (UNDER_WAY.includes(file.state)) return html`<${UnderWay} file=${file} patient=${patient} onChange=${change} />`;
        if (file.state === "ready") return html`<${Ready} file=${file} patient=${patient} onChange=${change} />`;
        return html`${file.state === "failed" && html`<${Failed} file=${file} />`}<p><button onClick=${() => setAsking(true)}>${say("fileMake")}…</button></p>`;
      }}
    <//>
    ${asking && html`<${AskForFile} me=${me} patient=${patient} onAsked=${change} onClose=${() => setAsking(false)} />`}`;
};

const MyFile = (/** @type {{me: Api["Me"]}} */ { me }) => html`
  <section class="card" id="my-file">
    <h2>${say("myFile")}</h2>
    <${Stored} me=${me} />
    <p>${say("fileText")}</p>
    <${FileAt} me=${me} />
  </section>`;

function sayWho(/** @type {Api["ReadingView"]} */ { name, role, program }) {
  const who = name ? isolated(name) : say("readerGone");
  const as = role && sayValue("role", role);
  return [as ? say("readerAs", { who, role: as }) : who, program && program !== name && say("readerProgram", { name: isolated(program) })].filter(Boolean).join(" · ");
}

/** @param {string} moment */
const sayMonth = (moment) => new Intl.DateTimeFormat(getLanguage(), { month: "long", year: "numeric" }).format(new Date(moment));

/** What one reader did in one month, besides reading the record. @param {{readings: Api["ReadingView"][]}} props */
const Readings = ({ readings }) => {
  const [one] = readings;
  const besides = [...new Set(readings.map(({ what }) => what))].filter((what) => what !== "record");
  return html`
    <li>${sayWho(one)} · ${sayMonth(one.at)}${one.break_glass && html`${" "}<span class="mark">${say(one.refused ? "glassRefused" : "glassMark")}</span>`}
      ${besides.length > 0 && html`<br /><small>${sayList(besides.map((what) => sayValue("read", what)))}</small>`}</li>`;
};

/** A reader and a month each. @param {Api["ReadingView"][]} readings @returns {Api["ReadingView"][][]} */
function byReaderAndMonth(readings) {
  /** @type {Map<string, Api["ReadingView"][]>} */
  const groups = new Map();
  for (const one of readings) {
    const key = `${sayWho(one)} ${sayMonth(one.at)} ${one.break_glass} ${one.refused}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

const MyReaders = () => {
  const readings = usePages("/me/readers?limit=100");
  return html`
    <section class="card">
      <h2>${say("myReaders")}</h2>
      <${Pages} pages=${readings} empty=${html`<p>${say("noReaders")}</p>`}>
        ${(/** @type {Api["ReadingView"][]} */ items) => html`<ul class="plain">${byReaderAndMonth(items).map((readings) => html`<${Readings} key=${readings[0]._id} readings=${readings} />`)}</ul>`}
      <//>
    </section>`;
};

export const View = () => html`
  <h1>${say("title_my-data")}</h1>
  <${Load} ask=${() => Promise.all([get("/me"), get("/me/data/summary")])}>
    ${(/** @type {[Api["Me"], Api["OwnDataSummary"]]} */ [me, { since: _, ...stored }], /** @type {() => void} */ reload) => html`
      <div class="columns">
        ${(["user", "doctor"].includes(me.role) || Object.values(stored).some((count) => count > 0)) && html`<div><${MyPerson} me=${me} /><${MyConsents} onChange=${reload} /></div>`}
        <div><${MyFile} me=${me} /><${MyReaders} /><${MyDeletion} me=${me} /></div>
      </div>`}
  <//>`;
