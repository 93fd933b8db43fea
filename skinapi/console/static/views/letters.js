// The doctor's letters about a finding: drafted, edited, signed, withdrawn. Each begins with what was decided, which nobody can change.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getSession, post, put, remove } from "/console/api.js";
import { AskFirst, AskReason, Failure, Field, Message, sayError, signByKey, TextArea, toast, toastAbout, useAct, useAnswer, useKeys } from "/console/components.js";
import { getLanguage, isolated, nameOfLanguage, otherLanguages, said, say, sayDate } from "/console/language.js";
import { keepDrafts } from "/console/views/drafts.js";

const LONGEST = 5000;
const READERS = /** @type {const} */ (["patient", "colleague"]);

/** Errors after which the letter is another one than this window shows. */
const RELOADED = new Set(["changed_meanwhile", "letter_signed", "spot_changed", "letter_unconfirmed"]);
/** Those after which the doctor's own text stays. */
const KEPT = new Set(["spot_changed", "letter_unconfirmed"]);

/** By letter. @type {import("/console/views/drafts.js").Drafts<string>} */
const drafts = keepDrafts("letter");

const Withdraw = (/** @type {{path: string, onDone: () => void}} */ { path, onDone }) => html`
  <${AskReason} words=${say("letterWithdraw")} title=${say("letterWithdrawTitle")} label=${say("letterReason")} name="withdrawal" path=${`${path}/withdrawal`}
    onDone=${() => (toast(say("letterIsWithdrawn")), onDone())}><p>${say("letterWithdrawText")}</p><//>`;

/** @typedef {Api["LetterView"] & {signed_at: string, signed_by: string}} Signed a letter that is signed */

/** Why a letter is struck through; empty where it is not. @param {Signed} letter */
const sayWithdrawn = ({ withdrawn }) => withdrawn ? say("letterWithdrawn", { name: isolated(withdrawn.withdrawn_by), date: sayDate(withdrawn.withdrawn_at), reason: isolated(withdrawn.reason) }) : "";

/** To whom it is, for who reads it. @param {Signed} letter */
const titleOf = ({ reader }) => say(reader === "patient" && getSession()?.role !== "doctor" ? "letterToYou" : `letterTo_${/** @type {"patient"} */ (reader)}`);

/** Behind its title, where one stands among others. @param {{letter: Signed, onWithdrawn?: () => void}} props */
export const FoldedLetter = ({ letter, onWithdrawn }) => html`
  <details class="card"><summary>${titleOf(letter)} · ${sayDate(letter.signed_at, false)}</summary><${SignedLetter} letter=${letter} onWithdrawn=${onWithdrawn} folded /></details>`;

/** With what a letter begins: the server's words. @param {{letter: Api["LetterView"]}} props */
const DecisionOf = ({ letter: { decision, language } }) => {
  const [first, ...others] = decision.split("\n");
  return html`<div class="letter-decision" lang=${language}><p><strong><bdi>${first}</bdi></strong></p>${others.map((line) => html`<p><bdi>${line}</bdi></p>`)}</div>`;
};

/** A signed letter; its doctor may withdraw it. `decided`: the page itself says what counts; `folded`: its title stands above.
 * @param {{letter: Signed, onWithdrawn?: () => void, decided?: boolean, folded?: boolean}} props */
export const SignedLetter = ({ letter, onWithdrawn, decided = false, folded = false }) => {
  const struck = sayWithdrawn(letter);
  const decision = html`<${DecisionOf} letter=${letter} />`;
  const signed = html`<p><small>${say("letterSigned", { name: isolated(letter.signed_by), date: sayDate(letter.signed_at) })}</small></p>`;
  const text = html`<p class="letter-text" lang=${letter.language}>${letter.text}</p>`;
  const drafted = letter.model && html`<p><small>${say("letterByModel", { model: letter.model, name: isolated(letter.signed_by) })}</small></p>`;
  return html`
    <section class="card letter">
      ${!folded && html`<h2>${titleOf(letter)}</h2>`}
      ${letter.written_before && html`<p class="written-before" lang=${letter.language}><strong>${letter.written_before}</strong></p>`}
      ${struck
        ? html`<details class="struck"><summary><strong>${struck}</strong></summary><del>${decision}</del>${signed}<del>${text}</del>${drafted}</details>`
        : html`${!(decided && !letter.written_before) && decision}${signed}${text}${drafted}`}
      ${onWithdrawn && !letter.withdrawn && html`<p><${Withdraw} path=${apiPath`/letters/${letter._id}`} onDone=${onWithdrawn} /></p>`}
    </section>`;
};

/** Another one as soon as the text or the spot is. @param {Api["WrittenLetter"]} letter */
const keyOf = ({ _id, version, spot_version }) => [_id, version, spot_version].join(" ");

/** The name of the patient, the cancer of which a letter tells, if any, and whether the patient reads nothing here. @typedef {{patient: string, cancer: string, noAccess?: boolean}} About */

/** The cancer of which a letter about this decision tells, in the words for a patient; none else. @param {Api["ConditionsView"]} conditions @param {Api["DecisionView"] | null} decision */
const cancerOf = (conditions, decision) => {
  const decided = [...conditions.conditions, ...(conditions.review_only ?? [])].find((one) => one.key === decision?.label);
  return decided?.malignant ? said(conditions.notices.names[decided.key]?.patient) || said(decided.names) : "";
};

/** What signing does, and what it has done. @param {Api["WrittenLetter"]} letter @param {About} about @returns {[string, string]} */
const saySigning = ({ reader }, { patient, cancer, noAccess }) => {
  const to = /** @type {"patient"} */ (noAccess ? "colleague" : reader);
  return [to === "patient" && cancer ? say("letterSignTells", { name: patient, cancer }) : say(`letterSign_${to}`), say(`letterIsSigned_${to}`)];
};

/** What the doctor reads of why no language model has drafted it; of other reasons nothing. @type {Record<string, "busy" | "budget" | "access" | "silent" | "useless">} */
const WHY = { busy: "busy", rate_limited: "busy", budget: "budget", no_credit: "access", key_refused: "access", resting: "silent", deadline: "silent", unreachable: "silent",
  provider: "silent", store: "silent", fault: "silent", too_large: "useless", malformed: "useless" };

/** The doctor's own draft as it is written, stored and signed.
 * @param {Api["WrittenLetter"]} draft @param {About} about @param {() => void} onDone */
function useLetter(draft, about, onDone) {
  const [letter, setLetter] = useState(draft);
  const [text, setText] = useState(drafts.get(draft._id) ?? draft.text);
  const [seen, setSeen] = useState(/** @type {string[]} */ ([]));
  const { run, busy, error } = useAct();
  const path = apiPath`/letters/${draft._id}`;
  const stored = text === letter.text;
  const enter = (/** @type {string} */ next) => {
    drafts.set(draft._id, next);
    setText(next);
  };
  const look = (/** @type {string} */ sentence) => setSeen((now) => now.includes(sentence) ? now.filter((one) => one !== sentence) : [...now, sentence]);
  const store = async () => {
    if (stored) return letter;
    /** @type {Api["WrittenLetter"]} */
    const changed = await put(path, { text, version: letter.version, spot_version: letter.spot_version });
    drafts.delete(draft._id);
    setLetter(changed);
    setText(changed.text);
    return changed;
  };
  const save = () => run(async () => {
    await store();
    toastAbout(about.patient, say("letterStored"));
  });
  const leave = () => {
    drafts.delete(draft._id);
    onDone();
  };
  const sign = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    run(async () => {
      const { version, spot_version, marked = [] } = await store();
      const confirmed = marked.map(({ sentence }) => sentence).filter((one) => seen.includes(one));
      if (confirmed.length < marked.length) throw new Error(say("error_letter_unconfirmed"));
      await post(`${path}/sign`, { text, version, confirmed, spot_version });
      toastAbout(about.patient, saySigning(letter, about)[1]);
      leave();
    });
  };
  return { letter, text, enter, stored, save, sign, leave, busy, error, path, seen, look };
}

/** The sentences that differ from what was decided: its doctor looks at each, or changes it.
 * @param {{letter: Api["WrittenLetter"], seen: string[], onLook: (sentence: string) => void}} props */
const Marked = ({ letter: { marked = [], language }, seen, onLook }) => marked.length > 0 && html`
  <fieldset class="marked"><legend>${say("letterMarked")}</legend>
    ${marked.map(({ sentence, differs, why }) => html`
      <label class="tick" key=${sentence}><input type="checkbox" checked=${seen.includes(sentence)} onChange=${() => onLook(sentence)} />
        <span><mark lang=${language}><bdi>${sentence}</bdi></mark>${" "}<small>${differs.map((one) => say(`letterDiffers_${one}`)).join(" · ")}${why && html`: <q lang=${language}><bdi>${why}</bdi></q> (${say("letterReadBy")})`}</small></span></label>`)}
  </fieldset>`;

/** What the draft is to say, and why no language model has written it. @param {{unwritten?: string, busy: boolean, onAnew?: (keyWords: string) => void}} props */
const KeyWords = ({ unwritten = "", busy, onAnew }) => {
  const [keyWords, setKeyWords] = useState("");
  return html`
    ${unwritten === "no_consent" && html`<p><small>${say("letterNoConsent")}</small></p>`}
    ${WHY[unwritten] && html`<${Message} kind="bad"><p>${say("letterUnwritten", { why: say(`letterWhy_${WHY[unwritten]}`) })}</p><//>`}
    ${onAnew && html`
      <details><summary>${say("letterAgain")}</summary>
        <${Field} label=${say("letterKeyWords")} hint=${say("letterKeyWordsHint")} name="keyWords" maxlength="500" value=${keyWords} onInput=${(/** @type {FieldEvent} */ event) => setKeyWords(event.target.value)} />
        <p><button type="button" disabled=${busy} onClick=${() => onAnew(keyWords)}>${say("letterFromKeyWords")}</button></p>
      </details>`}`;
};

/** The doctor's own draft.
 * @param {{draft: Api["WrittenLetter"], reviewed: boolean, about: About, unwritten?: string, onDone: () => void, onStale: () => void, onAnew: (language: string, keyWords?: string) => void}} props */
const Draft = ({ draft, reviewed, about, unwritten, onDone, onStale, onAnew }) => {
  const { letter, text, enter, stored, save, sign, leave, busy, error, path, seen, look } = useLetter(draft, about, onDone);
  const untouched = stored && letter.version === 1;
  return html`
    <form class="card letter" onSubmit=${reviewed ? sign : (/** @type {SubmitEvent} */ event) => event.preventDefault()} aria-label=${say(`letterTo_${/** @type {"patient"} */ (letter.reader)}`)}>
      <h2>${say(`letterTo_${/** @type {"patient"} */ (letter.reader)}`)}</h2>
      <p>${say("letterUnsigned")}</p>
      ${!reviewed && html`<p><strong>${say("error_letter_unreviewed")}</strong></p>`}
      <${KeyWords} unwritten=${unwritten} busy=${busy} onAnew=${untouched ? (/** @type {string} */ keyWords) => onAnew(letter.language, keyWords) : undefined} />
      ${letter.decision && html`<p><small>${say("letterBegins")}</small></p><${DecisionOf} letter=${letter} />`}
      <${TextArea} label=${say("letterText")} id=${`letter-${draft._id}`} name="letter" rows="16" onKeyDown=${signByKey} maxlength=${LONGEST} required
        lang=${letter.language} value=${text} onText=${enter} />
      ${letter.model && html`<p><small>${say("letterDraftedBy", { model: letter.model })}</small></p>`}
      <${Marked} letter=${letter} seen=${seen} onLook=${look} />
      ${error && html`<${Message} kind="bad">
        <p>${error.code === "spot_changed" ? say("letterSpotChanged") : sayError(error)}</p>
        ${RELOADED.has(error.code) && html`<button type="button" class="quiet" onClick=${KEPT.has(error.code) ? onStale : leave}>${say("letterReload")}</button>`}
      <//>`}
      <div class="row">
        <button disabled=${busy || !reviewed}>${saySigning(letter, about)[0]}</button>
        <button type="button" disabled=${busy} onClick=${save}>${say("save")}</button>
        ${untouched && otherLanguages(letter.language).map((one) => html`
          <button type="button" class="quiet" disabled=${busy} onClick=${() => onAnew(one)}>${say("letterAnew", { language: nameOfLanguage(one) })}</button>`)}
        <${AskFirst} words=${say("letterDelete")} look="danger" title=${say("letterDeleteTitle")} onConfirm=${() => remove(path).then(leave)} />
      </div>
    </form>`;
};

/** The letters of a case, and the way to write one. They are read anew when the spot has changed (`spotVersion`); `onStale`: the case is.
 * @param {{number: string, patient: string, decision: Api["DecisionView"] | null, spotVersion?: number | null, conditions: Api["ConditionsView"], onStale: () => void, left?: boolean, noAccess?: boolean}} props `left`: only the record is kept of the patient, who reads no letter any more. */
export const Letters = ({ number, patient, decision, spotVersion, conditions, onStale, left = false, noAccess = false }) => {
  const path = apiPath`/submissions/${number}/letters`;
  const letters = useAnswer(() => get(path), [number, spotVersion]);
  const { run, failed } = useAct();
  const [busy, setBusy] = useState("");
  const wanted = useRef(false); // the key was pressed before the letters were known
  const begun = useRef(""); // a draft that waits to be shown, and to get the focus
  useEffect(() => {
    const text = /** @type {HTMLTextAreaElement | null} */ (document.getElementById(`letter-${begun.current}`));
    if (text) begun.current = "";
    text?.setSelectionRange(0, 0); // it is read from its beginning
    text?.focus();
  });
  const unwritten = useRef(/** @type {Record<string, string>} */ ({})); // why a model that was asked has failed, by draft
  /** Perhaps in another language or from key words, in place of a draft. @param {string} reader @param {string | null} [language] @param {string} [instead] @param {string} [keyWords] */
  const begin = async (reader, language = reader === "colleague" ? getLanguage() : null, instead = "", keyWords = "") => {
    if (busy) return;
    setBusy(reader);
    await run(async () => {
      // A colleague reads the doctor's language; a patient that of their account.
      const draft = await post(path, { reader, language, key_words: keyWords });
      if (instead) await remove(apiPath`/letters/${instead}`);
      begun.current = draft._id;
      unwritten.current[draft._id] = draft.unwritten;
      letters.reload();
    });
    setBusy("");
  };
  const write = () => {
    wanted.current = !letters.value; // there may be a draft already
    if (wanted.current || left) return;
    const text = /** @type {HTMLElement | null} */ (document.querySelector("[name=letter]"));
    if (text) text.focus();
    else begin("patient");
  };
  useKeys({ l: write });
  useEffect(() => {
    if (wanted.current) write();
  }, [letters.value]);
  if (letters.error) return html`<${Failure} error=${letters.error} retry=${letters.reload} />`;
  if (!letters.value) return null;
  return html`
    <section class="letters">
      ${letters.value.map((/** @type {Api["WrittenLetter"]} */ letter) =>
        letter.signed_at
          ? html`<${letter.withdrawn || letter.written_before ? SignedLetter : FoldedLetter} key=${letter._id} letter=${letter} onWithdrawn=${letters.reload} />`
          : html`<${Draft} key=${keyOf(letter)} draft=${letter} reviewed=${Boolean(decision)}
              about=${{ patient, cancer: cancerOf(conditions, decision), noAccess }} unwritten=${unwritten.current[letter._id] ?? letter.unwritten}
              onDone=${letters.reload} onStale=${() => (letters.reload(), onStale())} onAnew=${(/** @type {string} */ language, /** @type {string} */ keyWords) => begin(letter.reader, language, letter._id, keyWords)} />`,
      )}
      <div class="row">
        ${READERS.filter((reader) => !left || reader !== "patient").map((reader) => html`<button disabled=${busy !== ""} onClick=${() => begin(reader)}>
          ${busy === reader ? say("letterDrafting") : say(`letterNew_${reader}`)}${reader === "patient" && html`<kbd aria-hidden="true">l</kbd>`}
        </button>`)}
      </div>
      ${failed}
    </section>`;
};
