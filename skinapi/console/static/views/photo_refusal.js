// @ts-check
// What is asked or said after a photo was sent and no finding came of it.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { Message, sayError } from "/console/components.js";
import { say } from "/console/language.js";

/** Whether another photo, or a word about it, would help. @param {Failed} error */
export const isOfPhoto = (error) => [413, 415, 422].includes(error.status) && error.code !== "lesion_full";

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

/** It was not sent, for a reason that is not the photo's. @param {{error: Failed, onRetry: () => void}} props */
export const NotSent = ({ error, onRetry }) => html`
  <${Message} kind="bad">
    <p><strong>${say(error.status === 503 ? "serverBusy" : "notSent")}</strong></p>
    ${error.code !== "unavailable" && html`<p>${sayError(error)}</p>`}
    ${error.status === 503 && html`<${Countdown} seconds=${error.retryAfter || 5} onOver=${onRetry} />`}
    <button type="button" class="primary" onClick=${onRetry}>${say("tryAgain")}</button>
  <//>`;

/**
 * What the server asks or says of the photos, below them, where the eyes and the keyboard go. Of several,
 * one is left out beside it.
 * @param {{error: Failed, several: boolean, onShows: () => void, onSame: () => void, onOther: () => void}} props
 */
export const AboutPhotos = ({ error, several, onShows, onSame, onOther }) => {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    place.current?.querySelector("button")?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: "end" });
  }, [error]);
  const skin = error.question === "skin";
  const other = several ? say("leaveOneOut") : html`<button type="button" class=${skin ? "" : "primary"} onClick=${onOther}>${say("otherPhoto")}</button>`;
  const said =
    error.code === "maybe_different_spots"
      ? html`<p><strong>${say("sameSpotQuestion")}</strong></p><p>${say("sameSpotText")}</p>
          <button type="button" class="primary" onClick=${onSame}>${say("sameSpotYes")}</button>`
      : skin
        ? html`<p>${sayError(error)}</p>
            <div class="row"><button type="button" class="primary" onClick=${onShows}>${say("skinYes")}</button>${other}</div>`
        : html`<p><strong>${say("photoRefused")}</strong></p><p>${sayError(error)}</p><div class="row">${other}</div>`;
  return html`<div ref=${place}><${Message} kind=${skin || error.code === "maybe_different_spots" ? "info" : "bad"}>${said}<//></div>`;
};
