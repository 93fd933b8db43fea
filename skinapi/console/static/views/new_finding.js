// "Check a spot": a photo or several of one spot, what is known about it, and off it goes. On a phone one
// question at a time, elsewhere the photo beside the questions.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions } from "/console/api.js";
import { Answer, Empty, Icon, Load, Message, sayError, toast, useAnswer } from "/console/components.js";
import { isolated, said, say } from "/console/language.js";
import { IN_PLACE_OF, readOtherPhoto, scrollToTop } from "/console/navigation.js";
import { AskPlace } from "/console/views/body_map.js";
import { AddPhotos, ChoosePhoto, ChosenPhoto } from "/console/views/choose_photo.js";
import { Approved } from "/console/views/login.js";
import { AboutPhotos, AskAbout, AskFacts, AskSigns, AskSpot, AskToKeep, isOfPhoto, NotSent } from "/console/views/photo_questions.js";
import { askBefore, askNext, leaveQuestions, recallDraft, stepsOf, useBar, useDraft, useNarrow, useSending } from "/console/views/photo_sending.js";
import { nameOfSpot } from "/console/views/spot_points.js";

/** @typedef {import("/console/views/choose_photo.js").Chosen} Chosen */
/** @typedef {import("/console/views/photo_sending.js").Draft} Draft */
/** @typedef {import("/console/views/photo_sending.js").Step} Step */
/** What a page hears that asks for a photo in the place of the console. @typedef {{onChosen: (photos: number) => void, onRefused: (error: Failed) => void, onFiled: (finding: Api["FindingView"]) => void}} Hearing */

/** Of whom a doctor takes a photo. @typedef {{id: string, name: string}} Patient */

/** With what an argument begins that names a patient, and no spot of one's own. */
const OF_PATIENT = "patient-";

/** The place where a doctor takes a photo of a patient, or one in place of that of a finding. @param {string} patient @param {number | null} [finding] */
export const placeOfPatientPhoto = (patient, finding) => `check/${OF_PATIENT}${patient}${finding ? `-${IN_PLACE_OF}${finding}` : ""}`;

/** The question that heads a step. @type {Partial<Record<Step, WordKey>>} */
const QUESTIONS = {
  place: "bodySite", spot: "whichOfYours", kind: "kind", about: "aboutYou", checklist: "checklistQuestion", keep: "keepPhoto",
};

/** The photo was chosen before, and not sent. @param {{unknown: boolean, onAnew: () => void}} props */
const Recalled = ({ unknown, onAnew }) => html`
  <${Message}><p>${say(unknown ? "unsentUnknown" : "unsentBack")}</p>
    <button type="button" onClick=${onAnew}>${say("beginAnew")}</button><//>`;

/** The way between the questions, and Send where nothing is missing; one on the whole page. A second tap of a double
 * tap meets the next question, and does nothing.
 * @param {{steps: Step[], step: Step, narrow: boolean, several: boolean, asked: boolean, whole: boolean, onSend: () => void, onSkip: () => void}} props
 * `asked`: something else is asked first; `whole`: what has to be answered is */
const Buttons = ({ steps, step, narrow, several, asked, whole, onSend, onSkip }) => {
  const at = steps.indexOf(step);
  const kind = asked ? "" : "primary";
  const send = say(several ? "sendPhotos" : "sendPhoto");
  if (!narrow) return html`<button class=${`${kind} wide`}>${send}</button>`;
  const once = (/** @type {MouseEvent} */ event) => event.detail > 1 && event.preventDefault();
  return html`
    ${at > 0 && html`<button type="button" class="quiet" aria-label=${say("stepBack")}
      onClick=${(/** @type {MouseEvent} */ event) => event.detail < 2 && askBefore(steps[at - 1])}><${Icon} name="back" /></button>`}
    ${at === steps.length - 1
      ? html`<button class=${`${kind} grow`}>${send}</button>`
      : html`<button type="button" class=${whole ? "grow" : "quiet"} onClick=${whole ? onSend : onSkip}>${whole ? send : say("skipQuestions")}</button><button class=${`${kind} grow`} onClick=${once}>${say("stepNext")}</button>`}`;
};

/** The photos as they will be sent, what is said of them, and further ones.
 * @param {{draft: ReturnType<typeof useDraft>, sending: ReturnType<typeof useSending>, hidden: boolean, step: Step}} props */
const Photos = ({ draft, sending, hidden, step }) => {
  const { chosen, cuts, said } = draft;
  const { error, sent, send, change } = sending;
  const several = chosen.length > 1;
  const asked = Boolean(error && isOfPhoto(error));
  const refused = asked && !several && !error?.question;
  const leaveOut = (/** @type {string} */ id) => change((before) => before.filter((one) => one.id !== id));
  const unreadable = (/** @type {string} */ id) => {
    leaveOut(id);
    if (several) toast(say("error_unreadable_picture"));
    else sending.setError({ status: 415, code: "not_a_picture", message: say("error_unreadable_picture") });
  };
  const confirm = (/** @type {Partial<Draft["confirmed"]>} */ word) => {
    said.current.confirmed = { ...said.current.confirmed, ...word };
    send();
  };
  return html`
    <div hidden=${hidden}>
      ${chosen.map((photo, at) => html`<${ChosenPhoto} key=${photo.id} photo=${photo} place=${several ? at + 1 : 0} busy=${sent >= 0} asked=${asked && !several}
        onReady=${(/** @type {() => Promise<Blob>} */ take, /** @type {Chosen["first"]} */ view) => {
          cuts.current.set(photo.id, { take, view });
          draft.keep();
        }}
        onUnreadable=${() => unreadable(photo.id)} onOut=${() => leaveOut(photo.id)} />`)}
      ${asked && html`<${AboutPhotos} key=${step} error=${error} several=${several} onOther=${() => change(() => [])}
        onShows=${() => confirm({ skin: "confirmed" })} onSame=${() => confirm({ same: true })} />`}
      ${sent < 0 && !refused && html`<${AddPhotos} chosen=${chosen.length} onPhotos=${sending.add} />`}
    </div>`;
};

/** All questions; where one is asked at a time, the others are there and hidden, with their answers.
 * @param {{draft: ReturnType<typeof useDraft>, before: Draft | null, consent: boolean | null | undefined, person: Pick<Api["OwnChange"], "birth_year" | "sex"> | null, spots: Api["LesionView"][] | null,
 *   checklist: Api["Checklist"], steps: Step[], step: Step, narrow: boolean, missing: boolean, patient?: Patient}} props */
const Questions = ({ draft, before, consent, person, patient, spots, checklist, steps, step, narrow, missing }) => {
  const { chosen, place } = draft;
  /** @type {Record<string, string>} */
  const known = { ...(person?.birth_year && { birth_year: String(person.birth_year) }), ...(person?.sex && { sex: person.sex }) };
  const answered = Object.fromEntries(before?.answers ?? []);
  const told = { ...known, ...answered };
  const asked = (/** @type {Step} */ one, /** @type {unknown} */ question) => html`<div hidden=${narrow && step !== one}>${question}</div>`;
  return html`
    <div class=${narrow ? "one-question" : ""} hidden=${narrow && step === "photo"}>
      <p hidden=${narrow && step !== steps[1]}>${said(checklist.left_out)}</p>
      ${asked("checklist", html`<${AskSigns} checklist=${checklist} ticked=${told.checklist?.split(",")} onChange=${draft.keep} />`)}
      ${chosen.length < 2 && asked("kind", html`<${AskFacts} of="picture" told=${told} />`)}
      ${(place.site || steps.includes("place")) && asked("place", html`<${AskPlace} place=${place} onPlace=${draft.choosePlace} />`)}
      ${steps.includes("spot") && asked("spot", html`<${AskSpot} spots=${spots} own=${!patient} site=${place.site} chosen=${draft.spot} onChoose=${draft.setSpot} />`)}
      ${asked("about", html`<${AskAbout} told=${told} person=${person} />`)}
      ${asked("keep", html`<${AskToKeep} told=${answered} consent=${consent} missing=${missing} />`)}
    </div>`;
};

/** `from` is the spot whose photo is taken, `inPlaceOf` the finding whose photo is taken anew, `before` what was begun and not sent.
 * @param {{consent: boolean | null | undefined, person: Pick<Api["OwnChange"], "birth_year" | "sex"> | null, spots: Api["LesionView"][] | null, checklist: Api["Checklist"], from?: Api["LesionView"], inPlaceOf?: string, about: string,
 *   filters: URLSearchParams, before: Draft | null, onAnew: () => void, hearing?: Hearing, patient?: Patient}} props */
const Check = ({ consent, person, spots, checklist, from, inPlaceOf, about, filters, before, onAnew, hearing, patient }) => {
  const draft = useDraft(about, before, from, patient ? null : spots); // a doctor places no spot of a patient
  const [missing, setMissing] = useState(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const bar = useBar();
  const narrow = useNarrow();
  const { chosen, place } = draft;
  const [some, several] = [chosen.length > 0, chosen.length > 1];
  const known = Boolean(inPlaceOf || from?.place?.laterality);
  const steps = stepsOf({ known, placed: !inPlaceOf && Boolean(spots?.some((one) => !one.place || one.place.site === place.site)), several });
  const step = (some && steps.find((one) => one === filters.get("step"))) || "photo";
  const turnTo = (/** @type {Step} */ wanted) => narrow && step !== wanted && askNext(wanted);
  const refused = (/** @type {Failed} */ problem) => {
    hearing?.onRefused(problem);
    if (isOfPhoto(problem)) turnTo("photo");
  };
  const ask = (/** @type {Step} */ about) => {
    setMissing(about === "keep");
    turnTo(about);
  };
  const sending = useSending(draft, person, ask, refused, { onFiled: hearing?.onFiled, patient: patient?.id, inPlaceOf });
  useEffect(() => hearing?.onChosen(chosen.length), [chosen.length]);
  const { error, sent, send } = sending;
  const ofPhoto = some && error && isOfPhoto(error);

  const [recalledAt] = useState(before && before.photos.length > 0 ? step : null);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current === step) return;
    shown.current = step;
    if (ofPhoto) return; // what is asked about it has the focus
    scrollToTop();
    heading.current?.focus({ preventScroll: true });
  }, [step]);

  const title = from || patient || inPlaceOf ? say("photoOf", { name: from ? nameOfSpot(from) : inPlaceOf ? say("findingNumber", { number: inPlaceOf }) : isolated(patient?.name ?? "") }) : say("title_check");
  const question = narrow ? QUESTIONS[step] : undefined;
  const of = say("stepOf", { step: steps.indexOf(step) + 1, all: steps.length });
  // Another photo is of the same spot: the answers stay in the form while it is chosen.
  return html`
    <h1 ref=${heading} tabindex="-1">${narrow && html`<small>${question ? html`${title} · ${of}` : of}</small> `}${question ? say(question) : title}</h1>
    ${patient && html`<p class="of-patient">${say("photoOfPatient", { name: isolated(patient.name) })}</p>`}
    ${some && step === recalledAt && html`<${Recalled} unknown=${before?.unknown} onAnew=${() => [draft.forget(), onAnew()]} />`}
    ${!some && error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    ${!some && html`<${ChoosePhoto} onPhoto=${(/** @type {File} */ file) => sending.add([file])} />`}
    <form ref=${draft.form} hidden=${!some} novalidate=${narrow} onChange=${() => [draft.keep(), setMissing(false)]} onSubmit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const next = steps[steps.indexOf(step) + 1];
      if (narrow && next) askNext(next);
      else send();
    }}>
      <div class="columns">
        <${Photos} draft=${draft} sending=${sending} hidden=${narrow && step !== "photo"} step=${step} />
        <${Questions} ...${{ draft, before, consent, person, patient, spots, checklist, steps, step, narrow, missing }} />
      </div>
      <div class="actions send" ref=${bar}>
        ${some && error && !ofPhoto && html`<${NotSent} error=${error} unknown=${draft.said.current.unknown} onRetry=${send} />`}
        ${sent >= 0
          ? html`<div role="status" class="sending">
              <progress max="1" value=${sent < 1 ? sent : null}></progress>${say(sent < 1 ? "uploading" : "analysing")}</div>`
          : !(ofPhoto && !several && (!error.question || !narrow || step === "photo")) && html`<${Buttons} ...${{ steps, step, narrow, several }} asked=${Boolean(error)} whole=${draft.isWhole()} onSend=${send} onSkip=${() => turnTo("keep")} />`}
      </div>
    </form>`;
};

/** Where the spots are not known a photo can be sent all the same. @returns {Promise<Api["LesionView"][] | null>} */
const ownSpots = () => getAll("/lesions?limit=200").catch(() => null);

/** The same of a patient. @param {string} patient @returns {Promise<Api["LesionView"][] | null>} */
const spotsOf = (patient) => getAll(apiPath`/patients/${patient}/lesions?limit=200`).catch(() => null);

/** A patient in care, by name: also one without findings. @param {string} id @returns {Promise<Patient>} */
export async function getPatient(id) {
  const [found] = await get(apiPath`/patients/${id}/submissions?limit=1`);
  if (found) return { id, name: found.patient_name };
  const patients = /** @type {Api["PatientInCare"][]} */ (await getAll("/patients?limit=1000"));
  return { id, name: patients.find((one) => one._id === id)?.name ?? "" };
}

/** The flow from a photo to its finding. With `hearing` it is of a page that knows no spots, with `patient` a doctor takes it of somebody else.
 * @param {{consent: boolean | null | undefined, person: Pick<Api["OwnChange"], "birth_year" | "sex"> | null, argument: string, filters: URLSearchParams, hearing?: Hearing, patient?: Patient}} props */
export const NewPhoto = ({ consent, person, argument, filters, hearing, patient }) => {
  const [turn, setTurn] = useState(0);
  const inPlaceOf = readOtherPhoto(argument);
  const load = async () => {
    /** @type {[Api["LesionView"][] | null, Api["ConditionsView"], Draft | null]} */
    const [spots, conditions, before] = await Promise.all([hearing ? null : patient ? spotsOf(patient.id) : ownSpots(), getConditions(), recallDraft(argument)]);
    const ofSpot = spots && argument && !patient && !inPlaceOf;
    // Where it is gone, this page says so.
    const from = ofSpot ? (spots.find((one) => one.id === argument) ?? (await get(apiPath`/lesions/${argument}`))) : undefined;
    return { spots, conditions, before, from, turn };
  };
  const answer = useAnswer(load, [turn]);
  const beginAnew = () => {
    leaveQuestions(argument ? `check/${argument}` : "check");
    setTurn(turn + 1);
  };
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Awaited<ReturnType<typeof load>>} */ { spots, conditions, before, from, turn: key }) => html`
        <${Check} key=${key} consent=${consent} person=${person} hearing=${hearing} patient=${patient} spots=${spots} checklist=${conditions.checklist} about=${argument} filters=${filters}
          from=${from} inPlaceOf=${inPlaceOf} before=${before} onAnew=${beginAnew} />`}
    <//>`;
};

/** A doctor's photo of a patient. What is known of the doctor is not told of the patient. @param {{argument: string, filters: URLSearchParams}} props */
const PatientPhoto = ({ argument, filters }) => html`
  <${Load} ask=${() => getPatient(argument.slice(OF_PATIENT.length).split("-")[0])} inputs=${[argument]} gone=${html`<${Empty} title=${say("notYourPatient")} />`}>
    ${(/** @type {Patient} */ patient) => html`<${NewPhoto} consent=${null} person=${null} argument=${argument} filters=${filters} patient=${patient} />`}
  <//>`;

/** @param {{argument: string, filters: URLSearchParams}} props the spot whose photo is taken, if any, or the patient, and the question that is asked */
export const View = ({ argument, filters }) =>
  argument.startsWith(OF_PATIENT)
    ? html`<${PatientPhoto} argument=${argument} filters=${filters} />`
    : html`<${Approved}>${(/** @type {Api["Me"]} */ account) => html`<${NewPhoto} consent=${account.consents?.photos} person=${account} argument=${argument} filters=${filters} />`}<//>`;
