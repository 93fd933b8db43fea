// A photo on its way: what was begun and not sent, one question at a time, and sending it.

import { useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, newKey, patch, put, upload } from "/console/api.js";
import { sayError, toast } from "/console/components.js";
import { colon, getLanguage, say } from "/console/language.js";
import { addressOf, goTo, IN_PLACE_OF, readAddress, readOtherPhoto, replacePlace } from "/console/navigation.js";
import { cutOut, WHOLE } from "/console/views/choose_photo.js";
import { keepDrafts, rememberPhotos } from "/console/views/drafts.js";
import { isOfPhoto } from "/console/views/photo_questions.js";
import { forgetOldPhotos, forgetPhotos, keepPhoto, recallPhoto } from "/console/views/unsent_photos.js";

/** @typedef {import("/console/views/choose_photo.js").View} View */
/** @typedef {import("/console/views/choose_photo.js").Chosen} Chosen */
/** What the person has said of the photos: that they show a spot, and all the same one. @typedef {{skin: "ask" | "confirmed", same: boolean}} Confirmed */
/** What was sent last: what of, and under which key. The photos themselves only until a reload. @typedef {{what: string, key: string, photos?: Blob[]}} Sent */
/** `unknown`: it was sent, and no answer has come. `spot`: empty for a new one.
 * @typedef {{photos: Chosen[], answers: [string, string][], place: Place, spot: string,
 *   confirmed: Confirmed, sent: Sent | null, unknown: boolean}} Draft */

const KEPT_MS = 60 * 60 * 1000;
/** After a reload without the photos themselves, which cannot be written as text. @type {import("/console/views/drafts.js").Drafts<Draft & {at: number}>} */
const drafts = keepDrafts("new_finding");

/** Under which name a photo is kept as it was sent, where that is not the file itself. @param {string} id */
const nameAsSent = (id) => `${id} sent`;

const isPhoto = (/** @type {unknown} */ value) => value instanceof Blob;

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
const saveDraft = (about, draft) => drafts.set(about, { ...draft, at: Date.now() });

/** For which spot, or none (empty), one's own photo was chosen and not sent; undefined where there is none. */
export const findUnsent = () => drafts.names().find((about) => {
  const draft = drafts.get(about);
  const own = /^[0-9a-f]*$/.test(about) || about.startsWith(IN_PLACE_OF);
  return own && draft && draft.photos.length > 0 && draft.at > Date.now() - KEPT_MS;
});

const hasDraft = (/** @type {string} */ about) => drafts.get(about) !== undefined;

function forgetDraft(/** @type {string} */ about) {
  forgetPhotos((drafts.get(about)?.photos ?? []).flatMap(({ id }) => [id, nameAsSent(id)]));
  drafts.delete(about);
}

const forgetPhoto = (/** @type {string} */ id) => forgetPhotos([id, nameAsSent(id)]);

/** What is to be sent, and its key: the same photos with the same answers are the same bytes under the same key,
 * also after a reload.
 * @param {Sent | null} last @param {string} what the photos and the answers are, as text
 * @param {Chosen[]} chosen @param {(photo: Chosen) => Promise<Blob>} cut @returns {Promise<Sent & {photos: Blob[]}>} */
async function prepare(last, what, chosen, cut) {
  if (last?.what === what) {
    const photos = last.photos ?? (await Promise.all(chosen.map(async ({ id, file }) => (await recallPhoto(nameAsSent(id))) ?? file)));
    return { ...last, photos };
  }
  const photos = await Promise.all(chosen.map(cut));
  await Promise.all(chosen.map(({ id, file }, at) => (photos[at] === file ? forgetPhotos([nameAsSent(id)]) : keepPhoto(nameAsSent(id), photos[at]))));
  return { what, key: newKey(), photos };
}

/** Below 700 px, with letters of the usual size, one question is asked at a time. */
const NARROW = "(max-width: 43.74rem)";

/** @typedef {"photo" | "place" | "spot" | "kind" | "about" | "checklist" | "keep"} Step */

export function useNarrow() {
  const [narrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const media = matchMedia(NARROW);
    const hear = () => setNarrow(media.matches);
    media.addEventListener("change", hear);
    return () => media.removeEventListener("change", hear);
  }, []);
  return narrow;
}

/** The bar below the questions: the page ends above it, as high as it is now. One that would lie over too much of a
 * small window stands at the end of the page, unless it holds a message. */
export function useBar() {
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const page = /** @type {HTMLElement} */ (document.querySelector(".page"));
    const observer = new ResizeObserver(() => {
      if (!bar.current) return;
      const { offsetHeight: height, classList } = bar.current;
      classList.toggle("at-end", height > innerHeight / 4 && !bar.current.querySelector(".message"));
      page.style.marginBottom = getComputedStyle(bar.current).position === "fixed" ? `${height}px` : "";
    });
    for (const one of [bar.current, page]) if (one) observer.observe(one);
    return () => {
      observer.disconnect();
      page.style.marginBottom = "";
    };
  }, []);
  return bar;
}

/** The questions that are asked, in their order: not where a spot is that one came from, nor which spot
 * it is where nobody said where, nor how several photos were taken.
 * @param {{known: boolean, placed: boolean, several: boolean}} told @returns {Step[]} */
export function stepsOf({ known, placed, several }) {
  /** @type {[Step, boolean][]} */
  const all = [
    ["photo", true], ["checklist", true], ["place", !known], ["spot", !known && placed], ["kind", !several], ["about", true], ["keep", true],
  ];
  return all.filter(([, asked]) => asked).map(([step]) => step);
}

/** So many questions were gone through since the first one, each a step for the browser's Back. */
const depth = () => Number(history.state?.asked ?? 0);

function addressOfStep(/** @type {Step} */ step) {
  const { name, argument } = readAddress();
  return addressOf(argument ? `${name}/${argument}` : name, { step: step === "photo" ? "" : step });
}

/** A second tap on the same button is no further step. @param {Step} step */
export function askNext(step) {
  const [asked, address] = [depth() + 1, addressOfStep(step)];
  if (location.hash === `#/${address}`) return;
  goTo(address);
  history.replaceState({ asked }, "");
}

/** @param {Step} step the question before */
export function askBefore(step) {
  if (depth() > 0) history.back();
  else replacePlace(addressOfStep(step));
}

/** From the questions to another place, from which Back leads to where one came from. @param {string} place */
export function leaveQuestions(place) {
  if (readAddress().name !== "check") goTo(place);
  else if (depth() === 0) replacePlace(place);
  else {
    addEventListener("popstate", () => replacePlace(place), { once: true });
    history.go(-depth());
  }
}

/** @type {Draft["confirmed"]} */
const NOTHING_CONFIRMED = { skin: "ask", same: false };

/** The answers of a form, without those that were left out. @param {HTMLFormElement} form */
function answersOf(form) {
  const answers = new FormData(form);
  for (const name of [...answers.keys()]) if (answers.get(name) === "") answers.delete(name);
  answers.set("language", getLanguage());
  return answers;
}

/** Put the new spot of a photo at its point on the body map, which is not sent with the photo. @param {string} spot @param {Place} place */
const placeSpot = (spot, place) => patch(apiPath`/lesions/${spot}`, { place }).catch((error) => toast(sayError(error)));

/** The photos, the place and the answers as they are now, kept after each change under `about`. A photo starts a new spot, unless the person says which one it is.
 * @param {string} about @param {Draft | null} before what was begun @param {Api["LesionView"] | undefined} from
 * @param {Api["LesionView"][] | null} spots one's own; null where they are not known */
export function useDraft(about, before, from, spots) {
  const [chosen, setChosen] = useState(before?.photos ?? []);
  const [place, setPlace] = useState(/** @type {Place} */ (before?.place ?? from?.place ?? { site: "" }));
  const [spot, setSpot] = useState(before?.spot ?? from?.id ?? "");
  const startsSpot = !spot && spots !== null && !readOtherPhoto(about);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  // How each photo is cut as it is shown now.
  const cuts = useRef(/** @type {Map<string, {take: () => Promise<Blob>, view: Chosen["first"]}>} */ (new Map()));
  const said = useRef({ confirmed: before?.confirmed ?? NOTHING_CONFIRMED, sent: before?.sent ?? null, unknown: before?.unknown ?? false });
  const gone = useRef(false); // it was sent
  const refused = useRef(false); // no finding can be made of it: it waits for nothing
  const now = useRef({ chosen, place, spot });
  now.current = { chosen, place, spot };

  const keep = () => {
    if (!form.current || gone.current || refused.current) return;
    const answers = /** @type {[string, string][]} */ ([...new FormData(form.current)]);
    const photos = now.current.chosen.map((photo) => ({ ...photo, first: cuts.current.get(photo.id)?.view ?? photo.first }));
    saveDraft(about, { photos, answers, place: now.current.place, spot: now.current.spot, ...said.current });
  };
  useEffect(() => {
    if (chosen.length > 0 || hasDraft(about)) keep();
  }, [chosen, place, spot]);

  const cut = (/** @type {Chosen} */ { id, file, first }) =>
    cuts.current.get(id)?.take() ?? (first.zoom === 1 ? Promise.resolve(file) : createImageBitmap(file).then((picture) => cutOut(file, picture, first, chosen.length > 1)));
  /** What is sent, as text. @param {FormData} body */
  const describe = (body) =>
    JSON.stringify([chosen.map(({ id, first }) => [id, cuts.current.get(id)?.view ?? first]), [...body].map(String).sort()]);
  const choose = (/** @type {(before: Chosen[]) => Chosen[]} */ next) => {
    said.current.confirmed = NOTHING_CONFIRMED;
    refused.current = false;
    const left = next(now.current.chosen);
    now.current.chosen.filter((one) => !left.includes(one)).forEach(({ id }) => forgetPhoto(id));
    setChosen(next);
  };
  const forget = () => {
    gone.current = true;
    forgetDraft(about);
  };
  const refuse = () => {
    refused.current = true;
    forgetDraft(about);
  };
  /** Whether the one question that has to be answered is. */
  const isWhole = () => form.current !== null && new FormData(form.current).has("keep_photo");
  const choosePlace = (/** @type {Place} */ next) => {
    if (next.site !== place.site) setSpot("");
    setPlace(next);
  };
  return { chosen, choose, place, choosePlace, spot, setSpot, startsSpot, form, cuts, said, keep, cut, describe, forget, refuse, isWhole };
}

/** Of all later photos. @param {boolean} photos @param {string} shown the language and the version of the text that was read */
function consent(photos, shown) {
  const [language, version] = shown.split(" ");
  return put("/me/consents", { photos, texts: { photos: Number(version) }, language });
}

/** Keep in the account what was told of the person, where that is something else. Where that fails, it is asked again.
 * @param {Pick<Api["OwnChange"], "birth_year" | "sex">} known @param {Pick<Api["OwnChange"], "birth_year" | "sex">} told */
export async function keepPerson(known, told) {
  if (told.birth_year === (known.birth_year ?? null) && told.sex === (known.sex ?? null)) return;
  await patch("/me", told).catch(() => {});
}

/** Sends what is there, once at a time. `onMissing` hears what was not answered, or not rightly. `onFiled` hears of the finding; with `patient` a doctor files it for this one.
 * @param {ReturnType<typeof useDraft>} draft @param {Pick<Api["OwnChange"], "birth_year" | "sex"> | null} person what is kept in the account; null without one
 * @param {(about: Step) => void} onMissing @param {(error: Failed) => void} onRefused
 * `inPlaceOf` is the finding whose photo is taken anew.
 * @param {{onFiled?: (finding: Api["FindingView"]) => void, patient?: string, inPlaceOf?: string}} filed */
export function useSending(draft, person, onMissing, onRefused, { onFiled, patient, inPlaceOf }) {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [sent, setSent] = useState(-1); // how much of it, or -1
  const busy = useRef(false);
  const { form, said, spot, startsSpot, place } = draft;
  const left = useRef(false); // whether the photo has begun to leave the device, or had before
  const sendBody = async (/** @type {FormData} */ body, /** @type {string | null} */ always, /** @type {number | null} */ year) => {
    const prepared = await prepare(said.current.sent, draft.describe(body), draft.chosen, draft.cut);
    if (!form.current) return; // the view was left, perhaps by logging out
    left.current = said.current.unknown;
    said.current = { ...said.current, sent: prepared, unknown: true };
    draft.keep();
    if (inPlaceOf) body.set("in_place_of", inPlaceOf);
    if (patient) body.set("patient", patient);
    prepared.photos.forEach((photo) => body.append("image", photo, "photo.jpg"));
    const progress = (/** @type {number} */ share) => {
      left.current ||= share > 0;
      setSent(share);
    };
    const answer = await upload("/predict", body, prepared.key, progress);
    rememberPhotos(String(answer.id), prepared.photos);
    if (startsSpot && place.x !== undefined) await placeSpot(answer.lesion, place);
    if (person) await keepPerson(person, { birth_year: year, sex: /** @type {Pick<Api["OwnChange"], "birth_year" | "sex">["sex"]} */ (body.get("sex")) });
    if (always) await consent(body.get("keep_photo") === "true", always).catch((problem) => toast(sayError(problem)));
    draft.forget();
    onFiled?.(answer);
    leaveQuestions(`${patient ? "case" : "finding"}/${answer.id}`);
  };
  const send = async () => {
    if (!form.current || draft.chosen.length === 0 || busy.current) return;
    const body = answersOf(form.current);
    if (form.current.querySelector("[aria-invalid]")) return onMissing("about");
    if (!body.has("keep_photo")) return onMissing("keep");
    if (spot) body.set("lesion", spot); // not asked where one came from it
    const always = /** @type {string | null} */ (body.get("keep_always"));
    const year = body.has("age") ? Number(body.get("birth_year")) : null;
    for (const name of ["keep_always", "birth_year"]) body.delete(name);
    const { confirmed } = said.current;
    body.set("skin", confirmed.skin);
    if (confirmed.same) body.set("same_spot", "true");
    busy.current = true;
    setError(null);
    setSent(0);
    try {
      await sendBody(body, always, year);
    } catch (problem) {
      said.current.unknown = problem.status === 0 && left.current;
      if (isOfPhoto(problem) && !problem.question) draft.refuse();
      else draft.keep();
      setError(problem);
      setSent(-1);
      if (form.current) onRefused(problem);
      else toast(`${say("notSent")}${colon()}${sayError(problem)}`); // the view was left meanwhile
    }
    busy.current = false;
  };
  const change = (/** @type {(before: Chosen[]) => Chosen[]} */ next) => {
    setError(null);
    draft.choose(next);
  };
  const add = (/** @type {File[]} */ files) => {
    const added = files.map((file) => ({ id: newKey(), file, first: WHOLE }));
    for (const { id, file } of added) keepPhoto(id, file);
    change((before) => [...before, ...added]);
  };
  return { error, setError, sent, send, change, add };
}
