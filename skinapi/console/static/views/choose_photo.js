// @ts-check
// Where photos come from: the camera first, where one is at hand; with examples of what helps. And the
// photos that were chosen, each as it will be sent.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon, toast } from "/console/components.js";
import { say } from "/console/language.js";
import { DropArea, filesOf } from "/console/views/drop_area.js";
import { PhotoCrop } from "/console/views/photo_crop.js";

/** How the drawn picture is shown; the words say what is wrong with it. */
const EXAMPLES = /** @type {const} */ (["good", "cut", "blurred", "dark"]);

const Examples = () => html`
  <ul class="examples">
    ${EXAMPLES.map((name) => html`<li>
      <span class=${`example ${name}`}><img src="/console/sample.jpg" alt="" /></span>
      <span><${Icon} name=${name === "good" ? "check" : "close"} size=${18} />${say(`example_${name}`)}</span></li>`)}
  </ul>`;

/** As many as the server joins into one finding. */
const MOST_PHOTOS = 4;

/** Further photos of the spot. @param {{chosen: number, onPhotos: (files: File[]) => void}} props */
export const AddPhotos = ({ chosen, onPhotos }) => {
  const left = MOST_PHOTOS - chosen;
  if (left <= 0) return null;
  /** @param {FilesEvent} event */
  const take = ({ target }) => {
    const files = [...target.files];
    target.value = ""; // the same one may be chosen again
    if (files.length > left) toast(say("fourAtMost"));
    onPhotos(files.slice(0, left));
  };
  return html`
    <div>
      <label class="button"><${Icon} name="camera" />${say("addPhoto")}
        <input type="file" name="more" accept="image/*" multiple onChange=${take} /></label>
      <p><small>${say("addPhotoWhy")}</small></p>
    </div>`;
};

/** @param {{onPhoto: (file: File) => void}} props */
export const ChoosePhoto = ({ onPhoto }) => {
  const handheld = matchMedia("(pointer: coarse)").matches;
  return html`
    <${DropArea} onTake=${(/** @type {FilesEvent} */ event) => filesOf(event).slice(0, 1).forEach(onPhoto)}>
      ${(/** @type {unknown} */ take) => html`
        ${!handheld && html`<${Icon} name="upload" size=${40} /><p>${say("dropPhoto")}</p>`}
        <div class="row center">
          ${handheld && html`<label class="button primary"><${Icon} name="camera" />${say("takePhoto")}
            <input type="file" name="camera" accept="image/*" capture="environment" onChange=${take} /></label>`}
          <label class=${handheld ? "button" : "button primary"}><${Icon} name="file" />${say("choosePhoto")}
            <input type="file" name="photo" accept="image/jpeg,image/png,image/webp" onChange=${take} /></label>
        </div>
        <${Examples} />`}
    <//>`;
};

/** @typedef {{id: string, file: Blob, hints: string[], accepted: boolean, first: import("/console/views/photo_crop.js").View}} Chosen a photo that will be sent; `first`: how it is shown at first */

/** A better photo would help, and nobody has said that there is none. @param {Chosen} photo */
export const isPoor = ({ hints, accepted }) => hints.length > 0 && !accepted;

/**
 * A photo that will be sent, and what to do with it. `place` is counted from 1 where there are several.
 * `asked`: whether to take another one is asked below.
 * @param {{photo: Chosen, place: number, busy: boolean, asked: boolean, onReady: (take: () => Promise<Blob>, view: Chosen["first"]) => void,
 *   onChange: (change: Partial<Chosen>) => void, onUnreadable: () => void, onOut: () => void}} props
 */
export const ChosenPhoto = ({ photo, place, busy, asked, onReady, onChange, onUnreadable, onOut }) => {
  const poor = isPoor(photo);
  return html`
    ${place > 0 && html`<h2>${say("pictureNumber", { number: place })}</h2>`}
    <${PhotoCrop} file=${photo.file} first=${photo.first} several=${place > 0} onReady=${onReady}
      onHints=${(/** @type {string[]} */ hints) => onChange({ hints })} onUnreadable=${onUnreadable} />
    ${!asked && html`<button type="button" class=${poor ? "primary" : "quiet"} disabled=${busy} onClick=${onOut}>
      ${place > 0 ? say("leavePictureOut", { number: place }) : say("otherPhoto")}</button>`}
    ${poor && html` <button type="button" onClick=${() => onChange({ accepted: true })}>${say("useAnyway")}</button>`}`;
};
