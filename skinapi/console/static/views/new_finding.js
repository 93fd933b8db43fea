// @ts-check
// "Check a spot": a photo or several of one spot, what is known about it, and off it goes.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getAll, getConditions, newKey, post, put, upload } from "/console/api.js";
import { Answer, Message, sayError, toast, useAnswer } from "/console/components.js";
import { colon, getLanguage, said, say } from "/console/language.js";
import { Approved } from "/console/views/approved.js";
import { AskPlace } from "/console/views/body_map.js";
import { AddPhotos, ChoosePhoto } from "/console/views/choose_photo.js";
import { PhotoCrop } from "/console/views/photo_crop.js";
import { rememberPhotos } from "/console/views/recent_photos.js";
import { nameOfSpot } from "/console/views/spot_points.js";
import { recallAnswers, rememberAnswers } from "/console/views/remembered_answers.js";

const AGES = ["0-29", "30-44", "45-59", "60-74", "75+"];
const SEXES = ["female", "male", "other"];
const SKIN_TONES = ["light", "medium", "dark"];
const KINDS = ["clinical", "dermoscopic"];

/** The answer by which a spot is begun with the finding. */
const NEW = "new";

/**
 * One question with a few answers, none of which is needed. `chosen` is what was answered before.
 * @param {{name: string, title: string, options: [string, string][], hint?: string, chosen?: string}} props
 */
const Choice = ({ name, title, options, hint, chosen = "" }) => html`
  <fieldset>
    <legend>${title}</legend>
    ${hint && html`<small>${hint}</small>`}
    <div class="chips">
      ${[["", say("notSaid")], ...options].map(
        ([value, text]) => html`<label class="chip"><input type="radio" name=${name} value=${value}
          defaultChecked=${value === chosen} />${text}</label>`,
      )}
    </div>
  </fieldset>`;

/**
 * Which of one's spots it is: those at the place, the one with the newest finding first. Nothing is
 * chosen for anybody but the spot that one came from.
 * @param {{spots: Api["LesionView"][], site: string, chosen: string, onChoose: (spot: string) => void}} props
 */
const AskSpot = ({ spots, site, chosen, onChoose }) => {
  const near = spots.filter((one) => one.place.site === site);
  near.sort((one, other) => (other.latest?._id ?? other.id).localeCompare(one.latest?._id ?? one.id));
  return html`
    <fieldset>
      <legend>${say("whichOfYours")}</legend>
      <div class="chips">
        ${[["", say("noSpot")], ...near.map((one) => [one.id, nameOfSpot(one)]), [NEW, say("newSpot")]].map(
          ([value, text]) => html`<label class="chip"><input type="radio" name="lesion" value=${value}
            checked=${value === chosen} onChange=${() => onChoose(value)} />${text}</label>`,
        )}
      </div>
    </fieldset>`;
};

/** Whether the photo is kept. It is asked once, and remembered. @param {{chosen: string}} props */
const AskToKeep = ({ chosen }) => html`
  <fieldset>
    <legend>${say("keepPhoto")}</legend>
    <small>${say("keepPhotoWhy")}</small>
    <div class="chips">
      ${["true", "false"].map(
        (value) => html`<label class="chip"><input type="radio" name="keep_photo" value=${value} required
          defaultChecked=${value === chosen} />${say(/** @type {WordKey} */ (`keepPhoto_${value}`))}</label>`,
      )}
    </div>
  </fieldset>`;

/** @param {{checklist: Api["Checklist"]}} props */
const Checklist = ({ checklist }) => {
  const [none, setNone] = useState(false);
  return html`
    <fieldset>
      <legend>${say("checklistQuestion")}</legend>
      <small>${said(checklist.applies_to)}</small>
      ${checklist.items.map(
        (item) => html`<label class="tick"><input type="checkbox" name="checklist" value=${item.key}
          disabled=${none} />${said(item)}</label>`,
      )}
      <label class="tick"><input type="checkbox" name="checklist" value="none"
        onChange=${(/** @type {FieldEvent} */ event) => setNone(event.target.checked)} />${say("noneOfThese")}</label>
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

/** Whether another photo would help. @param {Failed} error */
const isOfPhoto = (error) => [413, 415, 422].includes(error.status) && error.code !== "lesion_full";

/** Asked where two pictures do not fit each other; the others are left out beside their photo. @param {{onSame: () => void}} props */
const SameSpot = ({ onSame }) => html`
  <${Message}>
    <p><strong>${say("sameSpotQuestion")}</strong></p>
    <p>${say("sameSpotText")}</p>
    <button type="button" class="primary" onClick=${onSame}>${say("sameSpotYes")}</button>
  <//>`;

/**
 * Asked below a photo that does not look like skin, where the eyes and the keyboard go; of several, that
 * one is left out beside it.
 * @param {{error: any, several: boolean, onShows: () => void, onOther: () => void}} props
 */
const ShowsSpot = ({ error, several, onShows, onOther }) => {
  const yes = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    yes.current?.focus({ preventScroll: true });
    yes.current?.scrollIntoView({ block: "end" });
  }, []);
  return html`
    <${Message}>
      <p>${sayError(error)}</p>
      <div class="row">
        <button type="button" class="primary" ref=${yes} onClick=${onShows}>${say("skinYes")}</button>
        ${several ? say("leaveOneOut") : html`<button type="button" onClick=${onOther}>${say("otherPhoto")}</button>`}
      </div>
    <//>`;
};

/** @param {{error: any, several: boolean, onRetry: () => void, onOther: () => void}} props */
const Refusal = ({ error, several, onRetry, onOther }) => html`
  <${Message} kind="bad">
    <p><strong>${say(error.status === 503 ? "serverBusy" : isOfPhoto(error) ? "photoRefused" : "notSent")}</strong></p>
    ${error.code !== "unavailable" && html`<p>${sayError(error)}</p>`}
    ${error.status === 503 && html`<${Countdown} seconds=${error.retryAfter || 5} onOver=${onRetry} />`}
    <div class="row">
      ${!isOfPhoto(error)
        ? html`<button type="button" class="primary" onClick=${onRetry}>${say("tryAgain")}</button>`
        : several
          ? say("leaveOneOut")
          : html`<button type="button" class="primary" onClick=${onOther}>${say("otherPhoto")}</button>`}
    </div>
  <//>`;

/** The answers of a form, without those that were left out. @param {HTMLFormElement} form */
function answersOf(form) {
  const answers = new FormData(form);
  for (const name of [...answers.keys()]) if (answers.get(name) === "") answers.delete(name);
  answers.set("language", getLanguage());
  return answers;
}

/** Begin a spot with a finding. Where that fails, the finding waits to be sorted. @param {string} number @param {import("/console/views/body_map.js").Place} place @param {string} key */
const beginSpot = (number, place, key) =>
  post("/lesions", { place }, key)
    .then((spot) => put(apiPath`/submissions/${number}/lesion`, { lesion: spot.id }))
    .catch((error) => toast(`${say("spotNotBegun")} ${sayError(error)}`));

/** @typedef {{id: string, file: File, hints: string[], accepted: boolean}} Chosen a photo that will be sent */

/**
 * A photo that will be sent, and what to do with it. `place` is counted from 1 where there are several.
 * `asked`: whether to take another one is asked below.
 * @param {{photo: Chosen, place: number, busy: boolean, asked: boolean, onReady: (take: () => Promise<Blob>) => void,
 *   onChange: (change: Partial<Chosen>) => void, onUnreadable: () => void, onOut: () => void}} props
 */
const ChosenPhoto = ({ photo, place, busy, asked, onReady, onChange, onUnreadable, onOut }) => {
  const poor = isPoor(photo);
  return html`
    ${place > 0 && html`<h2>${say("pictureNumber", { number: place })}</h2>`}
    <${PhotoCrop} file=${photo.file} several=${place > 0} onReady=${onReady} onHints=${(/** @type {string[]} */ hints) => onChange({ hints })} onUnreadable=${onUnreadable} />
    ${!asked && html`<button type="button" class=${poor ? "primary" : "quiet"} disabled=${busy} onClick=${onOut}>
      ${place > 0 ? say("leavePictureOut", { number: place }) : say("otherPhoto")}</button>`}
    ${poor && html` <button type="button" onClick=${() => onChange({ accepted: true })}>${say("useAnyway")}</button>`}`;
};

/** A better photo would help, and nobody has said that there is none. @param {Chosen} photo */
const isPoor = ({ hints, accepted }) => hints.length > 0 && !accepted;

/** @param {{account: Api["Me"], spots: Api["LesionView"][], checklist: Api["Checklist"], from: any}} props `from` is the spot whose photo is taken */
const Check = ({ account, spots, checklist, from }) => {
  const [chosen, setChosen] = useState(/** @type {Chosen[]} */ ([]));
  const [place, setPlace] = useState(/** @type {import("/console/views/body_map.js").Place} */ (from?.place ?? { site: "" }));
  const [spot, setSpot] = useState(from?.id ?? "");
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [sent, setSent] = useState(-1);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  // How each photo is cut as it is shown now.
  const cuts = useRef(/** @type {Map<string, () => Promise<Blob>>} */ (new Map()));
  // What was sent last, and under which key: the same photos with the same answers are filed once.
  const last = useRef({ photos: /** @type {Blob[]} */ ([]), answers: "", key: "" });
  const sameSpot = useRef(false); // the person has said so of these photos
  const skin = useRef("ask"); // or that they show the spot, whatever they look like
  const [told] = useState(recallAnswers);
  const some = chosen.length > 0;
  const several = chosen.length > 1;
  const poor = chosen.some(isPoor);
  const asked = error?.question === "skin";

  /** @param {(before: Chosen[]) => Chosen[]} next */
  const choose = (next) => {
    setError(null);
    sameSpot.current = false;
    skin.current = "ask";
    setChosen(next);
  };
  /** @param {File[]} files */
  const add = (files) => {
    const added = files.map((file) => ({ id: newKey(), file, hints: [], accepted: false }));
    for (const { id, file } of added) cuts.current.set(id, async () => file); // until it has been decoded
    choose((before) => [...before, ...added]);
  };
  /** @param {string} out */
  const leaveOut = (out) => choose((before) => before.filter(({ id }) => id !== out));
  /** @param {string} id @param {Partial<Chosen>} change */
  const change = (id, change) => setChosen((before) => before.map((one) => (one.id === id ? { ...one, ...change } : one)));
  /** @param {string} id */
  const unreadable = (id) => {
    leaveOut(id);
    if (several) toast(say("notAPicture"));
    else setError({ status: 415, code: "not_a_picture", message: say("notAPicture") });
  };
  /** @param {import("/console/views/body_map.js").Place} next */
  const choosePlace = (next) => {
    if (next.site !== place.site) setSpot("");
    setPlace(next);
  };

  /** @param {Blob[]} photos @param {FormData} body */
  const keyOf = (photos, body) => {
    const answers = JSON.stringify([...body]);
    const before = last.current;
    const same = photos.length === before.photos.length && photos.every((photo, at) => photo === before.photos[at]);
    if (!same || answers !== before.answers) last.current = { photos, answers, key: newKey() };
    return last.current.key;
  };
  const send = async () => {
    if (!form.current || !some) return;
    setError(null);
    setSent(0);
    try {
      const photos = await Promise.all(chosen.map(({ id, file }) => cuts.current.get(id)?.() ?? file));
      if (!form.current) return; // the view was left, perhaps by logging out
      const body = answersOf(form.current);
      body.set("skin", skin.current);
      if (sameSpot.current) body.set("same_spot", "true");
      const key = keyOf(photos, body);
      rememberAnswers(body);
      if (spot === NEW) body.delete("lesion");
      photos.forEach((photo) => body.append("image", photo, "photo.jpg"));
      const answer = await upload("/predict", body, key, setSent);
      rememberPhotos(String(answer.id), photos);
      if (spot === NEW) await beginSpot(answer.id, place, key);
      location.hash = `#/finding/${answer.id}`;
    } catch (problem) {
      setError(problem);
      setSent(-1);
      if (!form.current) toast(`${say("notSent")}${colon()}${sayError(problem)}`); // the view was left meanwhile
    }
  };

  // Another photo is of the same spot: the answers stay in the form while it is chosen.
  return html`
    <h1>${from ? say("photoOf", { name: nameOfSpot(from) }) : say("title_check")}</h1>
    ${!some && error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    ${!some && html`<${ChoosePhoto} onPhoto=${(/** @type {File} */ file) => add([file])} />`}
    <form ref=${form} class="columns" hidden=${!some} onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      send();
    }}>
      <div>
        ${chosen.map((photo, at) => html`<${ChosenPhoto} key=${photo.id} photo=${photo} place=${several ? at + 1 : 0} busy=${sent >= 0} asked=${asked && !several}
          onReady=${(/** @type {() => Promise<Blob>} */ take) => cuts.current.set(photo.id, take)}
          onChange=${(/** @type {Partial<Chosen>} */ next) => change(photo.id, next)}
          onUnreadable=${() => unreadable(photo.id)} onOut=${() => leaveOut(photo.id)} />`)}
        ${some && asked && html`<${ShowsSpot} error=${error} several=${several} onShows=${() => {
          skin.current = "confirmed";
          send();
        }} onOther=${() => choose(() => [])} />`}
        ${!poor && sent < 0 && html`<${AddPhotos} chosen=${chosen.length} onPhotos=${add} />`}
      </div>
      <div hidden=${poor}>
        <p>${say("questionsText")}</p>
        ${!several && html`<${Choice} name="modality" title=${say("kind")} options=${KINDS.map((kind) => [kind, say(/** @type {WordKey} */ (`kind_${kind}`))])} />`}
        <${AskPlace} place=${place} onPlace=${choosePlace} />
        ${place.site && html`<${AskSpot} spots=${spots} site=${place.site} chosen=${spot} onChoose=${setSpot} />`}
        <${Choice} name="age_band" title=${say("age")} chosen=${told.age_band} options=${AGES.map((age) => [age, say(/** @type {WordKey} */ (`age_${age}`))])} />
        <${Choice} name="sex" title=${say("sex")} hint=${say("toldRemembered")} chosen=${told.sex}
          options=${SEXES.map((sex) => [sex, say(/** @type {WordKey} */ (`sex_${sex}`))])} />
        <${Choice} name="skin_tone" title=${say("skinTone")} hint=${say("skinToneWhy")}
          options=${SKIN_TONES.map((tone) => [tone, say(/** @type {WordKey} */ (`skin_${tone}`))])} />
        <${Checklist} checklist=${checklist} />
        <${AskToKeep} chosen=${told.keep_photo || (account.consents?.photos ? "true" : "")} />
      </div>
      <div class="actions send" hidden=${poor}>
        ${some && error?.code === "maybe_different_spots" && html`<${SameSpot} onSame=${() => {
          sameSpot.current = true;
          send();
        }} />`}
        ${some && error && !asked && error.code !== "maybe_different_spots" && html`
          <${Refusal} error=${error} several=${several} onRetry=${send} onOther=${() => choose(() => [])} />`}
        ${sent >= 0
          ? html`<div role="status" class="sending">
              <progress max="1" value=${sent < 1 ? sent : null}></progress>${say(sent < 1 ? "uploading" : "analysing")}</div>`
          : html`<button class=${error ? "wide" : "primary wide"}>${say(several ? "sendPhotos" : "sendPhoto")}</button>`}
      </div>
    </form>`;
};

/** @param {{account: Api["Me"], argument: string}} props */
const Loaded = ({ account, argument }) => {
  // Without the spots a photo can be sent all the same.
  const answer = useAnswer(() => Promise.all([getAll("/lesions?limit=200").catch(() => []), getConditions()]), []);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["LesionView"][], Api["ConditionsView"]]} */ [spots, conditions]) => html`
        <${Check} account=${account} spots=${spots} checklist=${conditions.checklist}
          from=${spots.find((one) => one.id === argument)} />`}
    <//>`;
};

/** @param {{argument: string}} props the spot whose photo is taken, if any */
export const View = ({ argument }) =>
  html`<${Approved}>${(/** @type {Api["Me"]} */ account) => html`<${Loaded} account=${account} argument=${argument} />`}<//>`;
