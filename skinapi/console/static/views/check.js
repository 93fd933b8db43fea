// @ts-check
// "Check a spot": a photo, what is known about it, and off it goes.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions, newKey, upload } from "/console/api.js";
import { Icon, Message, sayError, toast } from "/console/components.js";
import { colon, getLanguage, said, say } from "/console/language.js";
import { AskPlace } from "/console/views/body_map.js";
import { PhotoCrop } from "/console/views/photo_crop.js";
import { rememberSentPhoto } from "/console/views/sent.js";

const LARGEST_BYTES = 10 * 1024 * 1024;
const AGES = ["0-29", "30-44", "45-59", "60-74", "75+"];
const SEXES = ["female", "male", "other"];
const SKIN_TONES = ["light", "medium", "dark"];
const KINDS = ["clinical", "dermoscopic"];

/** @param {{onPhoto: (file: File) => void}} props */
const Choose = ({ onPhoto }) => {
  const [over, setOver] = useState(false);
  /** @param {any} event */
  const take = (event) => {
    event.preventDefault();
    setOver(false);
    const file = (event.dataTransfer ?? event.target).files[0];
    if (file) onPhoto(file);
  };
  return html`
    <div class=${over ? "drop over" : "drop"} onDrop=${take}
      onDragOver=${(/** @type {Event} */ event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave=${() => setOver(false)}>
      <${Icon} name="upload" size=${40} />
      <p>${say("dropPhoto")}</p>
      <div class="row center">
        <label class="button primary"><${Icon} name="file" />${say("choosePhoto")}
          <input type="file" name="photo" accept="image/jpeg,image/png,image/webp" onChange=${take} /></label>
        <label class="button"><${Icon} name="camera" />${say("takePhoto")}
          <input type="file" name="camera" accept="image/*" capture="environment" onChange=${take} /></label>
      </div>
      <ul class="advice"><li>${say("advice1")}</li><li>${say("advice2")}</li><li>${say("advice3")}</li></ul>
    </div>`;
};

/** One question with a few answers, none of which is needed. @param {{name: string, title: string, options: [string, string][], hint?: string}} props */
const Choice = ({ name, title, options, hint }) => html`
  <fieldset>
    <legend>${title}</legend>
    ${hint && html`<small>${hint}</small>`}
    <div class="chips">
      ${[["", say("notSaid")], ...options].map(
        ([value, text]) => html`<label class="chip"><input type="radio" name=${name} value=${value}
          defaultChecked=${value === ""} />${text}</label>`,
      )}
    </div>
  </fieldset>`;

/** @param {{checklist: any}} props */
const Checklist = ({ checklist }) => {
  const [none, setNone] = useState(false);
  return html`
    <fieldset>
      <legend>${say("checklistQuestion")}</legend>
      <small>${said(checklist.applies_to)}</small>
      ${checklist.items.map(
        (/** @type {any} */ item) => html`<label class="tick"><input type="checkbox" name="checklist" value=${item.key}
          disabled=${none} />${said(item)}</label>`,
      )}
      <label class="tick"><input type="checkbox" name="checklist" value="none"
        onChange=${(/** @type {any} */ event) => setNone(event.target.checked)} />${say("noneOfThese")}</label>
    </fieldset>`;
};

/** Counts down the seconds until a busy server may be asked again. @param {{seconds: number, onOver: () => void}} props */
const Countdown = ({ seconds, onOver }) => {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) {
      onOver();
      return undefined;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return html`<p>${say("busyAgainIn", { seconds: left })}</p>`;
};

/** @param {{error: any, onRetry: () => void, onOther: () => void}} props */
const Refusal = ({ error, onRetry, onOther }) => html`
  <${Message} kind="bad">
    <p><strong>${say(error.status === 422 ? "photoRefused" : error.status === 503 ? "serverBusy" : "notSent")}</strong></p>
    ${error.code !== "unavailable" && html`<p>${sayError(error)}</p>`}
    ${error.status === 503 && html`<${Countdown} seconds=${error.retryAfter || 5} onOver=${onRetry} />`}
    <div class="row">
      ${error.status === 422 || error.status === 413 || error.status === 415
        ? html`<button type="button" class="primary" onClick=${onOther}>${say("otherPhoto")}</button>`
        : html`<button type="button" class="primary" onClick=${onRetry}>${say("tryAgain")}</button>`}
    </div>
  <//>`;

export const View = () => {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [account, setAccount] = useState(/** @type {any} */ (null));
  const [checklist, setChecklist] = useState(/** @type {any} */ (null));
  const [place, setPlace] = useState(/** @type {import("/console/views/body_map.js").Place} */ ({ site: "" }));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [sent, setSent] = useState(-1);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const cut = useRef(/** @type {() => Promise<Blob>} */ (async () => new Blob()));
  // What was sent last, and under which key: the same photo with the same answers is filed once.
  const last = useRef({ photo: new Blob(), answers: "", key: "" });
  useEffect(() => {
    get("/me").then(setAccount, setError);
    getConditions().then((conditions) => setChecklist(conditions.checklist), setError);
  }, []);

  /** @param {File} chosen */
  const choose = (chosen) => {
    setError(null);
    if (chosen.size > LARGEST_BYTES) setError({ status: 413, message: say("fileTooLarge") });
    else {
      cut.current = async () => chosen; // until it has been decoded, and can be cropped
      setFile(chosen);
    }
  };
  const other = () => {
    setFile(null);
    setError(null);
  };

  /** @param {Blob} photo @param {FormData} body */
  const keyOf = (photo, body) => {
    const answers = JSON.stringify([...body]);
    if (photo !== last.current.photo || answers !== last.current.answers) last.current = { photo, answers, key: newKey() };
    return last.current.key;
  };
  const send = async () => {
    if (!form.current || !file) return;
    setError(null);
    setSent(0);
    try {
      const photo = await cut.current();
      if (!form.current) return; // the view was left, perhaps by logging out
      const body = new FormData(form.current);
      for (const name of [...body.keys()]) if (body.get(name) === "") body.delete(name);
      body.set("language", getLanguage());
      body.set("keep_photo", String(body.get("keep_photo") === "on"));
      const key = keyOf(photo, body);
      body.set("image", photo, "photo.jpg");
      const answer = await upload("/predict", body, key, setSent);
      rememberSentPhoto(String(answer.id), photo);
      location.hash = `#/finding/${answer.id}`;
    } catch (problem) {
      setError(problem);
      setSent(-1);
      if (!form.current) toast(`${say("notSent")}${colon()}${sayError(problem)}`); // the view was left meanwhile
    }
  };

  if (account && account.status === "waiting")
    return html`<div class="card narrow"><h1>${say("waitingTitle")}</h1><p>${say("waitingText")}</p>
      <a class="button" href="#/sample">${say("trySample")}</a></div>`;
  // Another photo is of the same spot: the answers stay in the form while it is chosen.
  return html`
    <h1>${say("title_check")}</h1>
    ${!file && error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    ${!file && html`<${Choose} onPhoto=${choose} />`}
    <form ref=${form} class="columns" hidden=${!file} onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      send();
    }}>
      <div>
        ${file && html`<${PhotoCrop} file=${file} onReady=${(/** @type {any} */ take) => (cut.current = take)} onUnreadable=${() => {
          setFile(null);
          setError({ status: 415, message: say("notAPicture") });
        }} />`}
        <button type="button" class="quiet" disabled=${sent >= 0} onClick=${other}>${say("otherPhoto")}</button>
      </div>
      <div>
        <p>${say("questionsText")}</p>
        <${Choice} name="modality" title=${say("kind")} options=${KINDS.map((kind) => [kind, say(/** @type {any} */ (`kind_${kind}`))])} />
        <${AskPlace} place=${place} onPlace=${setPlace} />
        <${Choice} name="age_band" title=${say("age")} options=${AGES.map((age) => [age, say(/** @type {any} */ (`age_${age}`))])} />
        <${Choice} name="sex" title=${say("sex")} options=${SEXES.map((sex) => [sex, say(/** @type {any} */ (`sex_${sex}`))])} />
        <${Choice} name="skin_tone" title=${say("skinTone")} hint=${say("skinToneWhy")}
          options=${SKIN_TONES.map((tone) => [tone, say(/** @type {any} */ (`skin_${tone}`))])} />
        ${checklist && html`<${Checklist} checklist=${checklist} />`}
        <label class="tick"><input type="checkbox" name="keep_photo" defaultChecked=${account?.consents?.photos ?? false} />
          ${say("keepPhoto")}</label>
        ${file && error && html`<${Refusal} error=${error} onRetry=${send} onOther=${other} />`}
        ${sent >= 0
          ? html`<div role="status" class="sending">
              <progress max="1" value=${sent < 1 ? sent : null}></progress>${say(sent < 1 ? "uploading" : "analysing")}</div>`
          : html`<button class="primary wide">${say("sendPhoto")}</button>`}
      </div>
    </form>`;
};
