// @ts-check
// A box that is kept on the server as soon as it is ticked.

import { put } from "/console/api.js";
import { sayError, toast } from "/console/components.js";
import { say } from "/console/language.js";

/** The boxes whose request is under way. @type {WeakSet<HTMLInputElement>} */
const underWay = new WeakSet();

/**
 * Keep what is ticked, one request after the other: of two at once the first may arrive last. `onKept` is called
 * where the server has it.
 * @param {string} path @param {string} name @param {HTMLInputElement} box @param {() => void} [onKept]
 */
export async function keep(path, name, box, onKept = () => {}) {
  if (underWay.has(box)) return; // that request's turn looks at the box again
  underWay.add(box);
  let kept = !box.checked;
  try {
    while (kept !== box.checked) {
      const wanted = box.checked;
      await put(path, { [name]: wanted });
      kept = wanted;
    }
    toast(say("saved"));
    onKept();
  } catch (error) {
    box.checked = kept; // as the server still has it
    toast(sayError(error));
  }
  underWay.delete(box);
}
