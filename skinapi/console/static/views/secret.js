// @ts-check
// What is shown this once, to an admin or to the person whose it is.

import { html, useEffect, useRef } from "/console/vendor/htm-preact-3.1.1.js";
import { toast } from "/console/components.js";
import { say, sayDate } from "/console/language.js";

/** A password, or a link to choose one, that is shown this once. @param {{title: string, text: string, password: string, until?: string, file?: string, onClose: () => void}} props `file`: the name to download it under. */
export const Secret = ({ title, text, password, until, file, onClose }) => {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const open = () => dialog.current?.showModal(); // and again after Escape: nobody can show it once more
  useEffect(open, []);
  return html`
    <dialog ref=${dialog} aria-label=${title} onClose=${open}>
      <h2>${title}</h2>
      <p class="secret" lang="">${password}</p>
      <p>${text}${until && html` ${say("validUntil", { date: sayDate(until) })}`}</p>
      <div class="row end">
        ${navigator.clipboard && html`<button class="quiet" onClick=${async () => {
          await navigator.clipboard.writeText(password).catch(() => {});
          toast(say("copied"));
        }}>${say("copy")}</button>`}
        ${file && html`<a class="button quiet" download=${file} href=${`data:text/plain,${encodeURIComponent(password)}`}>${say("download")}</a>`}
        <button class="primary" onClick=${onClose}>${say("done")}</button>
      </div>
    </dialog>`;
};
