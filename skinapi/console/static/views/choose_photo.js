// Where photos come from, and each as it will be sent: zoomed in on the spot, and a large one made smaller.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { DropArea, filesOf, Icon, toast } from "/console/components.js";
import { say } from "/console/language.js";

const BEHIND = "#808080"; // a picture that can be seen through
/** A file above this is sent smaller, so that the server's 10 MB refuse no phone; the longest side then. */
const ALONE = { bytes: 5e6, longest: 3000 };
/** The same for each of up to four, which share the 10 MB. */
const WITH_OTHERS = { bytes: 2e6, longest: 1800 };

/** What is shown of the photo, and sent: how much larger, and around which point, as shares of its sides. @typedef {{zoom: number, x: number, y: number}} View */
/** @type {View} */
export const WHOLE = { zoom: 1, x: 0.5, y: 0.5 };

/** The part that is sent, in the photo's pixels: left, top, width, height. @param {ImageBitmap} of @param {View} view @returns {[number, number, number, number]} */
function boxOf(of, view) {
  const [width, height] = [of.width / view.zoom, of.height / view.zoom];
  return [view.x * of.width - width / 2, view.y * of.height - height / 2, width, height];
}

/** The box of the picture on the whole canvas. @param {CanvasRenderingContext2D} context @param {ImageBitmap} picture @param {[number, number, number, number]} box */
function fill(context, picture, box) {
  const { width, height } = context.canvas;
  context.fillStyle = BEHIND;
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, ...box, 0, 0, width, height);
}

/** The part with the square that is looked at, as wide as its shorter side. @param {HTMLCanvasElement} target @param {ImageBitmap} picture @param {[number, number, number, number]} box */
function draw(target, picture, box) {
  target.width = 960;
  target.height = Math.round((960 * picture.height) / picture.width);
  const context = /** @type {CanvasRenderingContext2D} */ (target.getContext("2d"));
  fill(context, picture, box);
  context.strokeStyle = "rgb(255 255 255 / 0.85)";
  context.lineWidth = 3;
  const side = Math.min(target.width, target.height) - context.lineWidth;
  context.setLineDash([14, 10]);
  context.strokeRect((target.width - side) / 2, (target.height - side) / 2, side, side);
}

/** What is sent: the file as it is, where all of a small one is shown. @param {Blob} file @param {ImageBitmap} picture @param {View} view @param {boolean} several @returns {Promise<Blob>} */
export async function cutOut(file, picture, view, several) {
  const most = several ? WITH_OTHERS : ALONE;
  if (view.zoom === 1 && file.size <= most.bytes) return file;
  const box = boxOf(picture, view);
  const cut = document.createElement("canvas");
  const scale = Math.min(1, most.longest / Math.max(box[2], box[3]));
  cut.width = Math.round(scale * box[2]);
  cut.height = Math.round(scale * box[3]);
  fill(/** @type {CanvasRenderingContext2D} */ (cut.getContext("2d")), picture, box);
  return new Promise((resolve) => {
    cut.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.95);
  });
}

/** The photo, once it is read; `onUnreadable` hears that it cannot be. @param {Blob} file @param {() => void} onUnreadable */
function usePicture(file, onUnreadable) {
  const [picture, setPicture] = useState(/** @type {ImageBitmap | null} */ (null));
  useEffect(() => {
    let current = true;
    createImageBitmap(file).then((bitmap) => current && setPicture(bitmap), () => current && onUnreadable());
    return () => void (current = false);
  }, [file]);
  return picture;
}

/** `onReady` hears how the photo is cut now, whenever that changes; `first` is how it is shown at first.
 * @param {{file: Blob, first: View, several: boolean, onReady: (take: () => Promise<Blob>, view: View) => void, onUnreadable: () => void}} props */
const PhotoCrop = ({ file, first, several, onReady, onUnreadable }) => {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const picture = usePicture(file, onUnreadable);
  const [view, setView] = useState(first);
  const drag = useRef(/** @type {{x: number, y: number} | null} */ (null));

  useEffect(() => {
    if (!picture || !canvas.current) return;
    draw(canvas.current, picture, boxOf(picture, view));
    /** @type {Promise<Blob> | undefined} */
    let made; // once: sent again, it is the same photo
    onReady(() => (made ??= cutOut(file, picture, view, several)), view);
  }, [picture, view, several]);

  /** @param {number} zoom @param {number} x @param {number} y */
  const look = (zoom, x, y) => {
    const margin = 0.5 / zoom;
    const inside = (/** @type {number} */ place) => Math.min(1 - margin, Math.max(margin, place));
    setView({ zoom, x: inside(x), y: inside(y) });
  };
  const move = (/** @type {On<PointerEvent>} */ event) => {
    if (!drag.current || !canvas.current) return;
    const { clientWidth, clientHeight } = canvas.current;
    const across = (event.clientX - drag.current.x) / clientWidth / view.zoom;
    const down = (event.clientY - drag.current.y) / clientHeight / view.zoom;
    drag.current = { x: event.clientX, y: event.clientY };
    look(view.zoom, view.x - across, view.y - down);
  };
  const step = (/** @type {KeyboardEvent} */ event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const by = moves[/** @type {"ArrowUp"} */ (event.key)];
    if (!by || view.zoom <= 1) return;
    event.preventDefault();
    look(view.zoom, view.x + (0.04 * by[0]) / view.zoom, view.y + (0.04 * by[1]) / view.zoom);
  };
  return html`
    <figure class=${view.zoom > 1 ? "crop zoomed" : "crop"}>
      <canvas ref=${canvas} tabindex="0" role="img" aria-label=${say("cropAlt")} onKeyDown=${step}
        onPointerDown=${(/** @type {On<PointerEvent>} */ event) => {
          drag.current = { x: event.clientX, y: event.clientY };
          event.target.setPointerCapture(event.pointerId);
        }}
        onPointerMove=${move} onPointerUp=${() => (drag.current = null)} onPointerCancel=${() => (drag.current = null)}></canvas>
      <figcaption>
        <label class="slider">${say("zoom")}
          <input type="range" min="1" max="6" step="0.1" value=${view.zoom} aria-valuetext=${`${view.zoom} ×`}
            onInput=${(/** @type {FieldEvent} */ event) => look(Number(event.target.value), view.x, view.y)} /></label>
        <small>${say("cropText")}</small>
      </figcaption>
    </figure>`;
};

/** How the drawn picture is shown; the words say what is wrong with it. */
const EXAMPLES = /** @type {const} */ (["good", "cut", "blurred", "dark"]);

const Examples = () => html`
  <ul class="examples">
    ${EXAMPLES.map((name) => html`<li>
      <span class=${`example ${name}`}><img src="/console/sample.jpg" alt="" /></span>
      <span><${Icon} name=${name === "good" ? "check" : "close"} size=${18} />${say(`example_${name}`)}</span></li>`)}
  </ul>`;

const MOST_PHOTOS = 4;

/** Further photos of the spot. @param {{chosen: number, onPhotos: (files: File[]) => void}} props */
export const AddPhotos = ({ chosen, onPhotos }) => {
  const left = MOST_PHOTOS - chosen;
  if (left <= 0) return null;
  const take = (/** @type {FilesEvent} */ { target }) => {
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

export const ChoosePhoto = (/** @type {{onPhoto: (file: File) => void}} */ { onPhoto }) => {
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

/** @typedef {{id: string, file: Blob, first: View}} Chosen a photo that will be sent; `first`: how it is shown at first */

/** A photo that will be sent, and what to do with it. `place` is counted from 1 where there are several.
 * `asked`: whether to take another one is asked below.
 * @param {{photo: Chosen, place: number, busy: boolean, asked: boolean, onReady: (take: () => Promise<Blob>, view: Chosen["first"]) => void,
 *   onUnreadable: () => void, onOut: () => void}} props */
export const ChosenPhoto = ({ photo, place, busy, asked, onReady, onUnreadable, onOut }) => html`
  ${place > 0 && html`<h2>${say("pictureNumber", { number: place })}</h2>`}
  <${PhotoCrop} file=${photo.file} first=${photo.first} several=${place > 0} onReady=${onReady} onUnreadable=${onUnreadable} />
  ${!asked && html`<button type="button" class="quiet" disabled=${busy} onClick=${onOut}>
    ${place > 0 ? say("leavePictureOut", { number: place }) : say("otherPhoto")}</button>`}`;
