// @ts-check
// The doctor's letters about a finding: drafted, edited with marks at what the facts do not support, signed.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post, put, remove } from "/console/api.js";
import { Confirm, Failure, Message, sayError, toast, useAnswer, useKeys } from "/console/components.js";
import { getLanguage, isolated, say, sayDate } from "/console/language.js";
import { keepTyped } from "/console/views/typed.js";

const LONGEST = 5000;
const READERS = /** @type {const} */ (["patient", "colleague"]);

/** By letter. @type {Map<string, string>} */
const typed = keepTyped();

/** A signed letter. @param {{letter: any}} props */
export const SignedLetter = ({ letter }) => html`
  <section class="card letter">
    <h2>${say(`letterTo_${/** @type {"patient"} */ (letter.reader)}`)}</h2>
    <p class="letter-text" lang=${letter.language}>${letter.text}</p>
    <small>${say("letterSigned", { name: isolated(letter.signed_by), date: sayDate(letter.signed_at) })}</small>
  </section>`;

/** The sentence, with what is wrong in it made visible. @param {string} sentence @param {string[]} words */
const highlight = (sentence, words) => {
  const escaped = words.filter(Boolean).map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  const parts = escaped.length > 0 ? sentence.split(new RegExp(`(${escaped.join("|")})`, "iu")) : [sentence];
  return parts.map((part, place) => (place % 2 ? html`<mark>${part}</mark>` : part));
};

/** What is wrong with a sentence, at the sentence. @param {{sentence: string, marks: any[], language: string, onShow: () => void}} props */
const Marked = ({ sentence, marks, language, onShow }) => html`
  <li>
    ${sentence &&
    html`<button type="button" class="quiet sentence" onClick=${onShow} lang=${language}>
      <q>${highlight(sentence, marks.map(({ said }) => said))}</q>
    </button>`}
    ${marks.map(
      ({ contradicts, said, facts }) =>
        html`<p>${say(/** @type {"marked_figure"} */ (`marked_${contradicts}`), { facts: isolated(facts), said: isolated(said) })}</p>`,
    )}
  </li>`;

/** @param {any[]} marks @returns {[string, any[]][]} by sentence, in the order of the text */
const bySentence = (marks) => [...new Set(marks.map(({ sentence }) => sentence))].map((one) => [one, marks.filter(({ sentence }) => sentence === one)]);

/** Who wrote the first text. @param {{source: any}} props */
const Written = ({ source }) => {
  if (source.writer === "llm") return html`<p><small>${say("letterByLlm", { model: isolated(source.model) })}</small></p>`;
  const key = ["no_key", "no_consent"].includes(source.reason) ? source.reason : "failed";
  return html`<p><small>${say(`letterByTemplate_${/** @type {"no_key"} */ (key)}`)}</small></p>`;
};

/** The doctor's own draft. @param {{draft: any, onDone: () => void}} props */
const Draft = ({ draft, onDone }) => {
  const [letter, setLetter] = useState(draft);
  const [text, setText] = useState(typed.get(draft._id) ?? draft.text);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const path = apiPath`/letters/${draft._id}`;
  const stored = text === letter.text;
  // A sentence that was changed since is checked when the letter is stored.
  const marks = letter.marks.filter((/** @type {any} */ mark) => text.includes(mark.sentence));

  /** @param {string} next */
  const enter = (next) => {
    typed.set(draft._id, next);
    setText(next);
  };
  /** @param {() => Promise<void>} act */
  const act = async (act) => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  const store = async () => {
    const changed = await put(path, { text, version: letter.version });
    typed.delete(draft._id);
    setLetter(changed);
    setText(changed.text);
    return changed;
  };
  const save = () =>
    act(async () => {
      if (!stored) await store();
      toast(say("letterStored"));
    });
  const sign = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    act(async () => {
      // Only what was shown with its marks is signed in spite of them.
      const shown = stored ? letter : await store();
      if (!stored && shown.marks.length > 0) {
        setTimeout(() => list.current?.focus());
        return;
      }
      await post(`${path}/sign`, { text: shown.text, version: shown.version, despite_marks: shown.marks.length > 0 });
      typed.delete(draft._id);
      toast(say("letterIsSigned"));
      onDone();
    });
  };
  /** @param {string} sentence */
  const show = (sentence) => {
    const start = text.indexOf(sentence);
    field.current?.setSelectionRange(start, start + sentence.length);
    field.current?.focus();
  };
  const reload = () => {
    typed.delete(draft._id);
    onDone();
  };
  return html`
    <form class="card letter" onSubmit=${sign} aria-label=${say(`letterTo_${/** @type {"patient"} */ (letter.reader)}`)}>
      <h2>${say(`letterTo_${/** @type {"patient"} */ (letter.reader)}`)}</h2>
      <p>${say("letterUnsigned")}</p>
      <${Written} source=${letter.source} />
      ${marks.length > 0 &&
      html`<section class="marks" tabindex="-1" ref=${list} aria-label=${say("letterMarks")}>
        <h3>${say("letterMarks")}</h3>
        <ul class="plain">
          ${bySentence(marks).map(([sentence, found]) => html`<${Marked} sentence=${sentence} marks=${found} language=${letter.language} onShow=${() => show(sentence)} />`)}
        </ul>
      </section>`}
      <p><small>${say("letterMarksMiss")}</small></p>
      <div class="field">
        <label for="letter-${draft._id}">${say("letterText")}</label>
        <textarea id="letter-${draft._id}" name="letter" rows="16" maxlength=${LONGEST} required lang=${letter.language} ref=${field} value=${text}
          onInput=${(/** @type {any} */ event) => enter(event.target.value)}></textarea>
      </div>
      ${error && html`<${Message} kind="bad">
        <p>${sayError(error)}</p>
        ${error.code?.startsWith("letter_") && html`<button type="button" class="quiet" onClick=${reload}>${say("letterReload")}</button>`}
      <//>`}
      <div class="row">
        <button class="primary" disabled=${busy}>${stored && letter.marks.length > 0 ? say("letterSignMarked", { n: String(bySentence(letter.marks).length) }) : say("letterSign")}</button>
        <button type="button" disabled=${busy} onClick=${save}>${say("letterStore")}</button>
        <button type="button" class="danger" disabled=${busy} onClick=${() => setDeleting(true)}>${say("letterDelete")}</button>
      </div>
      ${deleting &&
      html`<${Confirm} title=${say("letterDeleteTitle")} confirm=${say("letterDelete")} onClose=${() => setDeleting(false)}
        onConfirm=${async () => {
          await remove(path);
          reload();
        }} />`}
    </form>`;
};

/**
 * The letters of a case, and the way to write one: `may` says that the doctor does, once that is known.
 * @param {{number: string, may: boolean}} props
 */
export const Letters = ({ number, may }) => {
  const path = apiPath`/submissions/${number}/letters`;
  // A server of the version before has none, while the servers are upgraded one after the other.
  const ask = () => get(path).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
  const letters = useAnswer(() => (may ? ask() : new Promise(() => {})), [number, may]);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState("");
  const wanted = useRef(false); // the key was pressed before the letters were known
  const begun = useRef(""); // a draft that waits to be shown, and to get the focus
  useEffect(() => {
    const text = document.getElementById(`letter-${begun.current}`);
    if (text) begun.current = "";
    text?.focus();
  });
  /** @param {string} reader */
  const begin = async (reader) => {
    if (busy) return;
    setBusy(reader);
    setError(null);
    try {
      // A colleague reads the doctor's language; a patient that of the finding.
      const draft = await post(path, { reader, language: reader === "colleague" ? getLanguage() : null });
      begun.current = draft._id;
      letters.reload();
    } catch (problem) {
      setError(problem);
    }
    setBusy("");
  };
  const write = () => {
    wanted.current = !letters.value; // there may be a draft already
    if (wanted.current) return;
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
      ${letters.value.map((/** @type {any} */ letter) =>
        letter.signed_at
          ? html`<${SignedLetter} key=${letter._id} letter=${letter} />`
          : html`<${Draft} key=${`${letter._id} ${letter.version}`} draft=${letter} onDone=${letters.reload} />`,
      )}
      <div class="row">
        ${READERS.map(
          (reader) => html`<button disabled=${busy !== ""} onClick=${() => begin(reader)}>
            ${busy === reader ? say("letterDrafting") : say(`letterDraft_${reader}`)}${reader === "patient" && html`<kbd aria-hidden="true">l</kbd>`}
          </button>`,
        )}
      </div>
      ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    </section>`;
};
