// @ts-check
// The photos and answers of the form as they are now, and sending them.

import { useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, newKey, post, put, upload } from "/console/api.js";
import { sayError, toast } from "/console/components.js";
import { colon, getLanguage, say } from "/console/language.js";
import { cutOut, WHOLE } from "/console/views/photo_crop.js";
import { forgetDraft, forgetPhoto, hasDraft, prepare, saveDraft } from "/console/views/photo_draft.js";
import { NEW } from "/console/views/photo_questions.js";
import { leaveQuestions } from "/console/views/photo_steps.js";
import { rememberPhotos } from "/console/views/recent_photos.js";
import { rememberAnswers } from "/console/views/remembered_answers.js";
import { keepPhoto } from "/console/views/unsent_photos.js";

/** @typedef {import("/console/views/choose_photo.js").Chosen} Chosen */
/** @typedef {import("/console/views/photo_draft.js").Draft} Draft */

/** @type {Draft["confirmed"]} */
const NOTHING_CONFIRMED = { skin: "ask", same: false };

/** The answers of a form, without those that were left out. @param {HTMLFormElement} form */
function answersOf(form) {
  const answers = new FormData(form);
  for (const name of [...answers.keys()]) if (answers.get(name) === "") answers.delete(name);
  answers.set("language", getLanguage());
  return answers;
}

/** Begin a spot with a finding. Where that fails, the finding waits to be sorted. @param {string} number @param {Place} place @param {string} key */
const beginSpot = (number, place, key) =>
  post("/lesions", { place }, key)
    .then((spot) => put(apiPath`/submissions/${number}/lesion`, { lesion: spot.id }))
    .catch((error) => toast(`${say("spotNotBegun")} ${sayError(error)}`));

/**
 * The photos, the place and the answers as they are now, kept after each change under `about`. The first photo
 * of a place begins a spot there, unless the person says otherwise; which of several spots it is, they say.
 * @param {string} about @param {Draft | null} before what was begun @param {Api["LesionView"] | undefined} from
 * @param {Api["LesionView"][] | null} spots one's own; null where they are not known
 */
export function useDraft(about, before, from, spots) {
  const [chosen, setChosen] = useState(before?.photos ?? []);
  const [place, setPlace] = useState(/** @type {Place} */ (before?.place ?? from?.place ?? { site: "" }));
  const [told, setSpot] = useState(before ? before.spot : (from?.id ?? null));
  const first = Boolean(place.site) && spots !== null && !spots.some((one) => one.place.site === place.site);
  const spot = told ?? (first ? NEW : "");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  // How each photo is cut as it is shown now.
  const cuts = useRef(/** @type {Map<string, {take: () => Promise<Blob>, view: Chosen["first"]}>} */ (new Map()));
  const said = useRef({ confirmed: before?.confirmed ?? NOTHING_CONFIRMED, sent: before?.sent ?? null, unknown: before?.unknown ?? false });
  const gone = useRef(false); // it was sent
  const now = useRef({ chosen, place, told });
  now.current = { chosen, place, told };

  const keep = () => {
    if (!form.current || gone.current) return;
    const answers = /** @type {[string, string][]} */ ([...new FormData(form.current)]);
    const photos = now.current.chosen.map((photo) => ({ ...photo, first: cuts.current.get(photo.id)?.view ?? photo.first }));
    saveDraft(about, { photos, answers, place: now.current.place, spot: now.current.told, ...said.current });
  };
  useEffect(() => {
    if (chosen.length > 0 || hasDraft(about)) keep();
  }, [chosen, place, told]);

  /** @param {Chosen} photo */
  const cut = ({ id, file, first }) =>
    cuts.current.get(id)?.take() ?? (first.zoom === 1 ? Promise.resolve(file) : createImageBitmap(file).then((picture) => cutOut(file, picture, first, chosen.length > 1)));
  /** What is sent, as text. @param {FormData} body */
  const describe = (body) =>
    JSON.stringify([chosen.map(({ id, first }) => [id, cuts.current.get(id)?.view ?? first]), [...body].map(String).sort()]);
  const choose = (/** @type {(before: Chosen[]) => Chosen[]} */ next) => {
    said.current.confirmed = NOTHING_CONFIRMED;
    const left = next(now.current.chosen);
    now.current.chosen.filter((one) => !left.includes(one)).forEach(({ id }) => forgetPhoto(id));
    setChosen(next);
  };
  const forget = () => {
    gone.current = true;
    forgetDraft(about);
  };
  const choosePlace = (/** @type {Place} */ next) => {
    if (next.site !== place.site) setSpot(null);
    setPlace(next);
  };
  return { chosen, setChosen, choose, place, choosePlace, spot, setSpot, form, cuts, said, keep, cut, describe, forget };
}

/** Of all later photos. @param {boolean} photos @param {string} shown the language and the version of the text that was read */
function consent(photos, shown) {
  const [language, version] = shown.split(" ");
  return put("/me/consents", { photos, texts: { photos: Number(version) }, language });
}

/**
 * Sends what is there, once at a time. `onMissing`: it was not said whether the photo is kept. `onFiled` hears of the finding.
 * @param {ReturnType<typeof useDraft>} draft @param {() => void} onMissing @param {(error: Failed) => void} onRefused
 * @param {(submission: Api["SubmissionView"]) => void} [onFiled]
 */
export function useSending(draft, onMissing, onRefused, onFiled) {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [sent, setSent] = useState(-1); // how much of it, or -1
  const busy = useRef(false);
  const { form, said, spot, place } = draft;
  const sendBody = async (/** @type {FormData} */ body, /** @type {string | null} */ always) => {
    const prepared = await prepare(said.current.sent, draft.describe(body), draft.chosen, draft.cut);
    if (!form.current) return; // the view was left, perhaps by logging out
    said.current = { ...said.current, sent: prepared, unknown: true };
    draft.keep();
    rememberAnswers(body);
    if (spot === NEW) body.delete("lesion");
    prepared.photos.forEach((photo) => body.append("image", photo, "photo.jpg"));
    const answer = await upload("/predict", body, prepared.key, setSent);
    rememberPhotos(String(answer.id), prepared.photos, place);
    if (spot === NEW) await beginSpot(answer.id, place, prepared.key);
    if (always) await consent(body.get("keep_photo") === "true", always).catch((problem) => toast(sayError(problem)));
    draft.forget();
    onFiled?.(answer);
    leaveQuestions(`finding/${answer.id}`);
  };
  const send = async () => {
    if (!form.current || draft.chosen.length === 0 || busy.current) return;
    const body = answersOf(form.current);
    if (!body.has("keep_photo")) return onMissing();
    const always = /** @type {string | null} */ (body.get("keep_always"));
    body.delete("keep_always");
    const { confirmed } = said.current;
    body.set("skin", confirmed.skin);
    if (confirmed.same) body.set("same_spot", "true");
    busy.current = true;
    setError(null);
    setSent(0);
    try {
      await sendBody(body, always);
    } catch (problem) {
      said.current.unknown = problem.status === 0;
      draft.keep();
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
    const added = files.map((file) => ({ id: newKey(), file, hints: [], accepted: false, first: WHOLE }));
    for (const { id, file } of added) keepPhoto(id, file);
    change((before) => [...before, ...added]);
  };
  return { error, setError, sent, send, change, add };
}
