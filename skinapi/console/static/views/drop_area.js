// @ts-check
// Where files are dropped, or chosen by the buttons that stand in it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";

/** `children` makes of `take` the fields by which files are chosen.
 * @param {{small?: boolean, onTake: (event: FilesEvent) => void, children: (take: (event: FilesEvent) => void) => unknown}} props */
export const DropArea = ({ small = false, onTake, children }) => {
  const [over, setOver] = useState(false);
  const take = (/** @type {FilesEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    onTake(event);
  };
  const allow = (/** @type {Event} */ event) => {
    event.preventDefault();
    setOver(true);
  };
  return html`
    <div class=${`drop${small ? " small" : ""}${over ? " over" : ""}`} onDrop=${take} onDragOver=${allow} onDragLeave=${() => setOver(false)}>
      ${children(take)}</div>`;
};

/** The files that were dropped or chosen. @param {FilesEvent} event */
export const filesOf = (event) => [...(event.dataTransfer ?? event.target).files];
