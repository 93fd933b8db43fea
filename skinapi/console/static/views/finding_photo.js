// @ts-check
// The photo of a finding, or its photos: one at a time, the gravest first.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, getFile } from "/console/api.js";
import { Answer, Message, Tabs, useAnswer } from "/console/components.js";
import { say, sayCount, sayDate } from "/console/language.js";
import { HeatPhoto } from "/console/views/heat_photo.js";
import { addressOfRecentPhoto } from "/console/views/recent_photos.js";

/** Which of several pictures the finding shows. @param {Api["SubmissionView"]} submission */
const placeShown = ({ pictures = [] }) => Math.max(0, pictures.findIndex((one) => one.shown));

/** The kept photo, the one that was just sent, or none. @param {Api["SubmissionView"]} submission @param {number} [place] */
export async function photoOf(submission, place = placeShown(submission)) {
  const sent = addressOfRecentPhoto(String(submission.id), place);
  if (sent) return sent;
  if (!submission.photo_kept) return null;
  const which = submission.pictures ? apiPath`?picture=${place + 1}` : "";
  return getFile(apiPath`/submissions/${submission.id}/photo` + which, "image/jpeg").catch((error) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
}

/** Forgets the photo when it is no longer shown. @param {string | null | undefined} photo */
export const useForgotten = (photo) =>
  useEffect(() => () => {
    if (photo?.startsWith("blob:")) URL.revokeObjectURL(photo);
  }, [photo]);

/** Until when the photo is kept, or until what happens. @param {{retention: Api["PhotoRetentionView"]}} props */
const KeptUntil = ({ retention: { days, until } }) => html`
  <p><small>${until ? say("photoKeptUntil", { date: sayDate(until, false) }) : say("photoKeptWhile", { days: sayCount("days", days) })}</small></p>`;

/** @param {{submission: Api["SubmissionView"], photo: string | null, heat: Api["HeatView"]}} props */
const Photo = ({ submission, photo, heat }) => {
  const { photo_retention: retention, photo_removed_at: removed } = submission;
  if (!photo) return html`<${Message}>${removed ? say("photoRemoved", { date: sayDate(removed, false) }) : say("photoNotKept")}<//>`;
  return html`<${HeatPhoto} url=${photo} heat=${heat} />${retention && html`<${KeptUntil} retention=${retention} />`}`;
};

/** Another one than that which the finding shows. @param {{submission: Api["SubmissionView"], place: number}} props */
const OtherPhoto = ({ submission, place }) => {
  const answer = useAnswer(() => photoOf(submission, place), [submission, place]);
  useForgotten(answer.value);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {string | null} */ photo) => html`<${Photo} submission=${submission} photo=${photo} heat=${submission.pictures[place].heat} />`}
    <//>`;
};

/**
 * `children` makes something of the picture that is shown, where there are several.
 * @param {{submission: Api["SubmissionView"], photo: string | null, heat: Api["HeatView"], children?: (picture: Api["PictureView"]) => unknown}} props
 */
export const FindingPhoto = ({ submission, photo, heat, children }) => {
  const shown = placeShown(submission);
  const [place, setPlace] = useState(shown);
  const { pictures } = submission;
  if (!pictures) return html`<${Photo} submission=${submission} photo=${photo} heat=${heat} />`;
  const tabs = pictures.map((_, at) => [String(at), say("pictureNumber", { number: at + 1 })]);
  return html`
    <${Tabs} label=${say("photosOfSpot")} tabs=${tabs} chosen=${String(place)} onChoose=${(/** @type {string} */ at) => setPlace(Number(at))} />
    ${children?.(pictures[place])}
    ${place === shown
      ? html`<${Photo} submission=${submission} photo=${photo} heat=${heat} />`
      : html`<${OtherPhoto} key=${place} submission=${submission} place=${place} />`}`;
};
