// @ts-check
// A finding that was begun and not sent: its photos with their crops, the answers, and the key under which it
// is filed once. It is there when one comes back, also after a reload, for an hour at most.

import { newKey } from "/console/api.js";
import { keepDrafts } from "/console/views/drafts.js";
import { forgetOldPhotos, forgetPhotos, keepPhoto, recallPhoto } from "/console/views/unsent_photos.js";

/** @typedef {import("/console/views/photo_crop.js").View} View */
/** @typedef {import("/console/views/choose_photo.js").Chosen} Chosen */
/** What the person has said of the photos: that they show a spot, and all the same one. @typedef {{skin: "ask" | "confirmed", same: boolean}} Confirmed */
/** What was sent last: what of, and under which key. The photos themselves only until a reload. @typedef {{what: string, key: string, photos?: Blob[]}} Sent */
/**
 * `unknown`: it was sent, and no answer has come. `spot`: null where nobody said which one it is.
 * @typedef {{photos: Chosen[], answers: [string, string][], place: Place, spot: string | null,
 *   confirmed: Confirmed, sent: Sent | null, unknown: boolean}} Draft
 */

const KEPT_MS = 60 * 60 * 1000;
/** After a reload without the photos themselves, which cannot be written as text. @type {import("/console/views/drafts.js").Drafts<Draft & {at: number}>} */
const drafts = keepDrafts("new_finding");

/** Under which name a photo is kept as it was sent, where that is not the file itself. @param {string} id */
const nameAsSent = (id) => `${id} sent`;

/** @param {unknown} value */
const isPhoto = (value) => value instanceof Blob;

/** What was begun of a spot, or of none; null where nothing was. @param {string} about @returns {Promise<Draft | null>} */
export async function recallDraft(about) {
  forgetOldPhotos();
  const draft = drafts.get(about);
  if (!draft) return null;
  const files = await Promise.all(draft.photos.map(async ({ id, file }) => (isPhoto(file) ? file : recallPhoto(id))));
  const photos = draft.photos.flatMap((photo, at) => (files[at] ? [{ ...photo, file: files[at] }] : []));
  if (draft.at < Date.now() - KEPT_MS || photos.length < draft.photos.length) {
    forgetDraft(about);
    return null;
  }
  const { sent } = draft;
  return { ...draft, photos, sent: sent && { ...sent, photos: sent.photos?.every(isPhoto) ? sent.photos : undefined } };
}

/** @param {string} about @param {Draft} draft */
export const saveDraft = (about, draft) => drafts.set(about, { ...draft, at: Date.now() });

/** @param {string} about */
export const hasDraft = (about) => drafts.get(about) !== undefined;

/** @param {string} about */
export function forgetDraft(about) {
  forgetPhotos((drafts.get(about)?.photos ?? []).flatMap(({ id }) => [id, nameAsSent(id)]));
  drafts.delete(about);
}

/** @param {string} id */
export const forgetPhoto = (id) => forgetPhotos([id, nameAsSent(id)]);

/**
 * What is to be sent, and its key: the same photos with the same answers are the same bytes under the same key,
 * also after a reload.
 * @param {Sent | null} last @param {string} what the photos and the answers are, as text
 * @param {Chosen[]} chosen @param {(photo: Chosen) => Promise<Blob>} cut @returns {Promise<Sent & {photos: Blob[]}>}
 */
export async function prepare(last, what, chosen, cut) {
  if (last?.what === what) {
    const photos = last.photos ?? (await Promise.all(chosen.map(async ({ id, file }) => (await recallPhoto(nameAsSent(id))) ?? file)));
    return { ...last, photos };
  }
  const photos = await Promise.all(chosen.map(cut));
  await Promise.all(chosen.map(({ id, file }, at) => (photos[at] === file ? forgetPhotos([nameAsSent(id)]) : keepPhoto(nameAsSent(id), photos[at]))));
  return { what, key: newKey(), photos };
}
