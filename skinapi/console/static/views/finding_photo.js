// @ts-check
// The photo of a finding, or its photos: one at a time, the gravest first.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, getFile } from "/console/api.js";
import { Answer, Message, Tabs, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";
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

/** @param {{photo: string | null, heat: Api["HeatView"]}} props */
const Photo = ({ photo, heat }) =>
  photo ? html`<${HeatPhoto} url=${photo} heat=${heat} />` : html`<${Message}>${say("photoNotKept")}<//>`;

/** Another one than that which the finding shows. @param {{submission: Api["SubmissionView"], place: number}} props */
const OtherPhoto = ({ submission, place }) => {
  const answer = useAnswer(() => photoOf(submission, place), [submission, place]);
  useForgotten(answer.value);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {string | null} */ photo) => html`<${Photo} photo=${photo} heat=${submission.pictures[place].heat} />`}
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
  if (!pictures) return html`<${Photo} photo=${photo} heat=${heat} />`;
  const tabs = pictures.map((_, at) => [String(at), say("pictureNumber", { number: at + 1 })]);
  return html`
    <${Tabs} label=${say("photosOfSpot")} tabs=${tabs} chosen=${String(place)} onChoose=${(/** @type {string} */ at) => setPlace(Number(at))} />
    ${children?.(pictures[place])}
    ${place === shown
      ? html`<${Photo} photo=${photo} heat=${heat} />`
      : html`<${OtherPhoto} key=${place} submission=${submission} place=${place} />`}`;
};
