// @ts-check
// What is stored about oneself, in sentences, and all of it as one file: asked for, made, fetched once.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, post, remove, saveFile } from "/console/api.js";
import { Answer, Field, Form, Message, toast, useAct, useAnswer, useModal } from "/console/components.js";
import { hasWords, say, sayAge, sayBytes, sayCount, sayDate, sayList, sayPercent } from "/console/language.js";
import { CodeField } from "/console/views/login.js";
import { CONSENTS } from "/console/views/my_consents.js";
import { Polled, usePolling } from "/console/views/polling.js";

const NAME = "skinapi-my-data.zip";
const UNDER_WAY = ["waiting", "making"];
/** A worker takes it within seconds, unless it has much to do. */
const LONG_WAIT_S = 60;

/** @param {{me: Api["Me"]}} props */
const Stored = ({ me }) => {
  const answer = useAnswer(() => get("/me/data/summary"), [me]);
  const agreed = CONSENTS.filter(([name]) => me.consents[name]).map(([, words]) => say(words));
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Api["OwnDataSummary"]} */ { since: registered, ...stored }) => {
        const counts = Object.entries(stored).filter(([, count]) => count > 0).map(([nouns, count]) => sayCount(nouns, count));
        const since = sayDate(registered, false);
        return html`<p>${counts.length > 0 ? say("dataStored", { since, stored: sayList(counts) }) : say("nothingStored", { since })}
          ${" "}${agreed.length > 0 ? say("agreedTo", { consents: sayList(agreed) }) : say("agreedToNothing")}</p>`;
      }}
    <//>`;
};

/** Who asks is asked for the password: the file tells everything. @param {{me: Api["Me"], path: string, onAsked: () => void, onClose: () => void}} props */
const AskForFile = ({ me, path, onAsked, onClose }) => {
  const dialog = useModal();
  /** @param {Record<string, string>} values */
  const ask = async ({ filePassword = "", fileCode }) => {
    await post(path, { current_password: filePassword, ...(fileCode && { code: fileCode }) });
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

/** @param {{file: Api["FileView"], path: string, onChange: () => void}} props */
const UnderWay = ({ file, path, onChange }) => {
  const late = file.no_worker || (file.state === "waiting" && (file.waits_seconds ?? 0) >= LONG_WAIT_S);
  return html`
    <p><progress max="100" value=${file.state === "making" ? file.progress : null} aria-label=${say("fileMaking")}></progress></p>
    <p>${file.state === "making" ? say("fileMakingText", { share: sayPercent(Math.round(file.progress) / 100) }) : say("fileWaits")}</p>
    ${late && html`<${Message} kind="warn">${say(file.no_worker ? "fileNoWorkers" : "fileWaitsLong", { since: sayAge(file.asked_at ?? "") })}<//>`}
    <p><${Delete} words="fileStop" path=${path} onChange=${onChange} /></p>`;
};

/** @param {{words: WordKey, path: string, onChange: () => void}} props */
const Delete = ({ words, path, onChange }) => {
  const { run, busy, failed } = useAct();
  return html`<button disabled=${busy} onClick=${() => run(() => remove(path).then(onChange))}>${say(words)}</button>${failed}`;
};

/** @param {{file: Api["FileView"], path: string, onChange: () => void}} props */
const Ready = ({ file, path, onChange }) => {
  const { run, busy, failed } = useAct();
  const fetched = () => run(async () => {
    try {
      await saveFile(`${path}/download`, "application/zip", NAME);
      toast(say("fileSaved"));
    } finally {
      onChange();
    }
  });
  return html`
    <p>${say("fileReady", { size: sayBytes(file.bytes), until: sayDate(file.until ?? "") })}</p>
    ${failed}
    <p class="row"><button disabled=${busy} onClick=${fetched}>${say(busy ? "loading" : "fileFetch")}</button>
      <${Delete} words="fileDelete" path=${path} onChange=${onChange} /></p>`;
};

/** What became of the last one. @param {{file: Api["FileView"]}} props */
const Past = ({ file }) => {
  const why = /** @type {WordKey} */ (`error_${file.error_code}`);
  if (file.state === "fetched") return html`<p>${say("fileFetched", { date: sayDate(file.fetched_at ?? "") })}</p>`;
  if (file.state === "outdated") return html`<${Message} kind="warn">${say("fileOutdated")}<//>`;
  if (file.state === "failed") return html`<${Message} kind="bad">${say("fileFailed")} ${hasWords(why) ? say(why) : file.error}<//>`;
  return null;
};

/** A file from asking for it to fetching it. @param {{me: Api["Me"], path: string}} props whoever asks; whose file it is */
export const FileAt = ({ me, path }) => {
  const [asking, setAsking] = useState(false);
  const polled = usePolling(() => get(path), [path], (/** @type {Api["FileView"]} */ file) => UNDER_WAY.includes(file.state));
  const change = () => {
    setAsking(false);
    polled.reload();
  };
  return html`
    <${Polled} polled=${polled}>
      ${(/** @type {Api["FileView"]} */ file) => {
        if (UNDER_WAY.includes(file.state)) return html`<${UnderWay} file=${file} path=${path} onChange=${change} />`;
        if (file.state === "ready") return html`<${Ready} file=${file} path=${path} onChange=${change} />`;
        return html`<${Past} file=${file} /><p><button onClick=${() => setAsking(true)}>${say("fileMake")}…</button></p>`;
      }}
    <//>
    ${asking && html`<${AskForFile} me=${me} path=${path} onAsked=${change} onClose=${() => setAsking(false)} />`}`;
};

/** @param {{me: Api["Me"]}} props */
export const MyFile = ({ me }) => html`
  <section class="card" id="my-file">
    <h2>${say("myFile")}</h2>
    <${Stored} me=${me} />
    <p>${say("fileText")}</p>
    <${FileAt} me=${me} path="/me/file" />
  </section>`;
