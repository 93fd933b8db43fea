// What every view is built from.

import { html, useEffect, useLayoutEffect, useReducer, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getSession, onSessionChange, post } from "/console/api.js";
import { AdviceStays } from "/console/clinic.js";
import { colon, hasWords, isolated, onLanguageChange, say, sayDate, sayValue, sayWait } from "/console/language.js";
import { AREAS } from "/console/navigation.js";

const ICONS = {
  urgent_referral: "M12 2 1.5 21h21L12 2Zm0 6.5v6.2m0 2.6v.1",
  referral: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 5v6.5m0 3v.1",
  doctor_review: "M9 3v4H5v4h4v4h6v-4h4V7h-4V3H9Zm-4 18h14",
  routine: "M5 4h14v17H5V4Zm3-2v4m8-4v4M5 9.5h14M9 14l2.2 2.2L15.5 12",
  self_monitoring: "M2 12s3.6-7 10-7 10 7 10 7-3.6 7-10 7S2 12 2 12Zm10-3.2a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4Z",
  camera: "M4 7h3.5L9 4.5h6L16.5 7H20v13H4V7Zm8 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 17v3h16v-3",
  check: "M4 12.5 9.5 18 20 6.5",
  close: "M5 5l14 14M19 5 5 19",
  next: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  file: "M6 2h8l4 4v16H6V2Zm8 0v4h4M9 12h6m-6 4h6",
  person: "M12 3a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM3.5 21c.8-4 4.2-6 8.5-6s7.7 2 8.5 6",
  trash: "M4 6h16M9 6V3.5h6V6M6 6l1 15h10l1-15M10 10v7m4-7v7",
  folder: "M3 6h6l2 2.5h10V20H3V6Z",
  message: "M4 5h16v11H10l-6 4.5V5Z",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 9v6m0-10v.1",
};

/** @param {{name: keyof typeof ICONS, size?: number}} props */
export const Icon = ({ name, size = 20 }) => html`
  <svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" aria-hidden="true">
    <path d=${ICONS[name]} />
  </svg>`;

/** The urgency in colour, icon and words. @param {{band: string, label: string}} props */
export const BandBadge = ({ band, label }) => html`
  <span class="badge band-${band}"><${Icon} name=${band} size=${16} />${label}</span>`;

/** @param {{number: string}} props */
export const PhoneLink = ({ number }) => html`<a class="wrap" href=${`tel:${number.replace(/[^+\d]/g, "")}`}>${isolated(number)}</a>`;

/** @param {{children?: unknown, kind?: "info" | "bad" | "good"}} props */
export const Message = ({ children, kind = "info" }) => html`
  <div class="message ${kind}" role=${kind === "bad" ? "alert" : "status"}>${children}</div>`;

export const Loading = () => html`
  <div class="loading" role="status"><span class="spinner"></span>${say("loading")}</div>`;

export const Empty = (/** @type {{title: string, children?: unknown}} */ { title, children }) => html`
  <div class="empty"><h2>${title}</h2>${children}</div>`;

/** What an error means to a person, and the way on. @param {{error: Failed, retry?: () => void}} props */
export const Failure = ({ error, retry }) => (error?.code === "record_damaged" ? html`<${AdviceStays} what=${sayError(error)} />` : html`
  <${Message} kind="bad">
    <p>${sayError(error)}</p>
    ${error?.inError && html`<p>${say("inErrorReason", { reason: error.inError.reason })}</p>
      ${error.inError.patient && html`<a class="button quiet" href=${`#/patients/${error.inError.patient}`}>${say("inErrorPatient")}</a>`}`}
    ${error?.code === "second_factor_required"
      ? html`<a class="button" href="#/account">${say("setUp")}</a>`
      : error?.status === 403 || error?.status === 404
        ? html`<a class="button quiet" href="#/">${say("toStart")}</a>`
        : retry && html`<button class="quiet" onClick=${retry}>${say("tryAgain")}</button>`}
  <//>`);

/** @param {Failed | null} [error] */
export function sayError(error) {
  if (!error) return say("ourFault");
  if (error.status === 0) return say("offline");
  if (error.code === "record_damaged") return say("recordUnreadable");
  if (error.status >= 500 && error.status !== 503 && error.status !== 507) return say("ourFault");
  const key = /** @type {WordKey} */ (`error_${error.code}`);
  const { refusal } = error;
  const reason = refusal && `${sayValue("refusedBecause", refusal.reason)} ${refusal.note ?? ""}`.trim();
  const values = { detail: error.message, wait: sayWait(error.retryAfter ?? 0), reason, doctor: error.doctor };
  return (hasWords(key) && say(key, values)) || error.message || say("ourFault");
}

/** What a request answers: loading, failed, or there. Asked again when `inputs` change.
 * @template T @param {() => Promise<T>} ask @param {unknown[]} inputs */
export function useAnswer(ask, inputs) {
  const [state, setState] = useState(
    /** @type {{value?: T, error?: Failed, loading: boolean}} */ ({ loading: true }),
  );
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    const again = () => setTurn((before) => before + 1);
    setState((before) => ({ value: before.value, loading: true }));
    const asksOffline = !navigator.onLine;
    ask().then(
      (value) => current && setState({ value, loading: false }),
      (error) => {
        if (!current) return;
        setState({ error, loading: false });
        if (error.status !== 0) return;
        if (asksOffline && navigator.onLine) again(); // the network came back before the refusal did
        else addEventListener("online", again, { once: true });
      },
    );
    return () => {
      current = false;
      removeEventListener("online", again);
    };
  }, [...inputs, turn]);
  return { ...state, reload: () => setTurn(turn + 1) };
}

/** An act of a person: `run` does it, once at a time; `busy` while it lasts; `failed` is what went wrong, in words. */
export function useAct() {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [busy, setBusy] = useState(false);
  const underWay = useRef(false);
  /** Whether it was done. @param {() => unknown} act */
  const run = async (act) => {
    if (underWay.current) return false;
    underWay.current = true;
    setBusy(true);
    setError(null);
    try {
      await act();
      return true;
    } catch (problem) {
      setError(problem);
      return false;
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };
  return { run, busy, error, setError, failed: error && html`<${Message} kind="bad">${sayError(error)}<//>` };
}

/** What is rarely done, behind one button: `name` tells it from others on the page. @param {{name: string, label: string, children?: unknown}} props */
export const Menu = ({ name, label, children }) => html`
  <button class="quiet menu-button" popovertarget=${`menu-${name}`} aria-label=${label}>⋯</button>
  <div class="menu" id=${`menu-${name}`} popover="auto" onClick=${(/** @type {On<Event>} */ event) => event.currentTarget.hidePopover()}>${children}</div>`;

/** Buttons of which one is pressed. @param {{label: string, tabs: [string, string][], chosen: string, onChoose: (value: string) => void}} props */
export const Tabs = ({ label, tabs, chosen, onChoose }) => html`
  <div class="tabs" role="group" aria-label=${label}>
    ${tabs.map(([value, text]) => html`<button aria-pressed=${String(value === chosen)} onClick=${() => onChoose(value)}>${text}</button>`)}
  </div>`;

export const TYPED_IN = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select";
const PRESSED = "a, button, summary, [role=button]";

/** What single keys do. Not while one types, chooses in a list by its first letters, answers a
 * dialog, or holds Ctrl, Alt or Meta; and Enter belongs to the link or button that has the focus.
 * Where something fills the screen, only its own keys work.
 * @param {Record<string, () => void>} actions @param {{inFullScreen?: boolean}} options */
export function useKeys(actions, { inFullScreen = false } = {}) {
  const latest = useRef(actions);
  latest.current = actions;
  // Not after the next frame: who sees the page may press a key before that.
  useLayoutEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      const action = latest.current[event.key];
      const target = /** @type {Element} */ (event.target);
      if (!action || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      if (target.closest(TYPED_IN) || (event.key === "Enter" && target.closest(PRESSED))) return;
      if (document.querySelector("dialog[open], .veil") || (document.fullscreenElement && !inFullScreen)) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

/** In a text of several lines Enter begins a line: with Ctrl or Meta it sends the form. @param {On<KeyboardEvent>} event */
export const signByKey = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.closest("form")?.requestSubmit();
};

/** Loading, `gone` (404), failed, or what `children` makes of the value. @template T
 * @param {{answer: {value?: T, error?: Failed, reload: () => void}, gone?: unknown, children: (value: T) => unknown}} props */
export const Answer = ({ answer, gone, children }) => {
  if (gone && answer.error?.status === 404) return gone;
  if (answer.error) return html`<${Failure} error=${answer.error} retry=${answer.reload} />`;
  if (answer.value === undefined) return html`<${Loading} />`;
  return children(answer.value);
};

/** The same of a request that is sent when this is shown, and anew when `inputs` change. `children` hears how to send it again. @template T
 * @param {{ask: () => Promise<T>, inputs?: unknown[], gone?: unknown, children: (value: T, reload: () => void) => unknown}} props */
export const Load = ({ ask, inputs = [], gone, children }) => {
  const answer = useAnswer(ask, inputs);
  return html`<${Answer} answer=${answer} gone=${gone}>${(/** @type {T} */ value) => children(value, answer.reload)}<//>`;
};

/** What areas show at this place of a view, loaded when it is first shown. @param {{place: string, [given: string]: unknown}} props */
export const Inside = ({ place, ...given }) => {
  const files = AREAS.flatMap(({ inside }) => inside[place] ?? []);
  const found = useAnswer(() => Promise.all(files.map((file) => import(file))), []).value;
  return found?.map((/** @type {{View: unknown}} */ { View }) => html`<${View} ...${given} />`);
};

/** What hears the value of a field. @param {(value: string) => void} hear */
export const onValue = (hear) => (/** @type {FieldEvent} */ event) => hear(event.target.value);

/** What an input, a list or a text says besides its value: `hint`, and `error`, which is what is wrong with the value.
 * @typedef {{label: unknown, name: string, id?: string, hint?: string, error?: string}} Labelled */

/** `input` is made of what it takes over from its label. @param {Labelled & {input: (own: Record<string, unknown>) => unknown}} props */
const Labelled = ({ label, name, id = `field-${name}`, hint, error, input }) => {
  const described = [hint && `hint-${name}`, error && `error-${name}`].filter(Boolean).join(" ") || null;
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${hint && html`<small id="hint-${name}">${hint}</small>`}
      ${input({ id, name, "aria-invalid": error ? "true" : null, "aria-describedby": described })}
      ${error && html`<small class="failed" id="error-${name}">${error}</small>`}
    </div>`;
};

/** @param {Labelled & {type?: string, autocomplete?: string, required?: boolean, minlength?: number, value?: string,
 *   onInput?: (event: FieldEvent) => void}} props */
export const Field = ({ label, name, hint, error, type = "text", ...rest }) => html`
  <${Labelled} label=${label} name=${name} hint=${hint} error=${error}
    input=${(/** @type {{}} */ own) => html`<input type=${type} ...${own} ...${rest} />`} />`;

/** A list to choose from: `options` are values with their words, and further ones are children.
 * @param {Labelled & {value?: string, options?: [string, unknown][], required?: boolean, onChoose?: (value: string) => void, children?: unknown}} props */
export const Select = ({ label, name, id, hint, error, value, options = [], onChoose, children, ...rest }) => html`
  <${Labelled} ...${{ label, name, id, hint, error }} input=${(/** @type {{}} */ own) => html`
    <select ...${own} value=${value} onChange=${onChoose && onValue(onChoose)} ...${rest}>
      ${options.map(([key, words]) => html`<option key=${key} value=${key} selected=${key === value}>${words}</option>`)}${children}
    </select>`} />`;

/** A list beside its label: a filter, or what a button sends. No choice acts by itself, for one arrow key chooses. @param {{label: unknown, name: string, value: string, options: [string, unknown][], onChoose: (value: string) => void}} props */
export const Choice = ({ label, name, value, options, onChoose }) => html`
  <label class="choice">${label}
    <select name=${name} value=${value} onChange=${onValue(onChoose)}>
      ${options.map(([key, words]) => html`<option value=${key} selected=${key === value}>${words}</option>`)}
    </select></label>`;

/** A text of several lines.
 * @param {Labelled & {rows?: string, maxlength?: string | number, value?: string, onText?: (text: string) => void, lang?: string}} props */
export const TextArea = ({ label, name, id, hint, error, value, onText, ...rest }) => html`
  <${Labelled} ...${{ label, name, id, hint, error }} input=${(/** @type {{}} */ own) => html`
    <textarea ...${own} value=${value} onInput=${onText && onValue(onText)} ...${rest}></textarea>`} />`;

/** A form that sends its values, disables itself meanwhile and shows what went wrong. `onClose` is of one in a dialog.
 * @param {{onSend: (values: Record<string, string>) => Promise<void>, label: string, children: unknown, kind?: "danger" | "primary" | "", onClose?: () => void}} props */
export const Form = ({ onSend, label, children, kind = "primary", onClose }) => {
  const { run, busy, failed } = useAct();
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    // @ts-ignore (the forms of this console hold text alone)
    run(() => onSend(Object.fromEntries(new FormData(event.target))));
  };
  const send = html`<button class=${kind} disabled=${busy}>${busy ? say("sending") : label}</button>`;
  return html`
    <form onSubmit=${submit}>
      ${children}
      ${failed}
      ${onClose ? html`<div class="row end"><button type="button" class="quiet" onClick=${onClose}>${say("cancel")}</button>${send}</div>` : send}
    </form>`;
};

/** `label` names what its button does. @typedef {{text: string, act?: () => void, label?: string}} Toast */

let showToast = (/** @type {Toast} */ _) => {};

/** @param {string} text @param {() => void} [act] @param {string} [label] */
export const toast = (text, act, label) => showToast({ text, act, label });

/** The same about a patient, by name: another case may be open by the time it is read. @param {string} patient @param {string} text */
export const toastAbout = (patient, text) => toast(`${isolated(patient)}${colon()}${text}`);

export const Toasts = () => {
  const [shown, setShown] = useState(/** @type {Toast | null} */ (null));
  useEffect(() => {
    showToast = setShown;
    return onSessionChange(() => !getSession() && setShown(null)); // it is not for whoever is next
  }, []);
  useEffect(() => {
    if (!shown) return undefined;
    const timer = setTimeout(() => setShown(null), 8000);
    return () => clearTimeout(timer);
  }, [shown]);
  return html`
    <div class="toasts" role="status">
      ${shown && html`<div class="toast">${shown.text}
        ${shown.act && html`<button class="quiet" onClick=${() => {
          shown.act?.();
          setShown(null);
        }}>${shown.label}</button>`}
        <button class="quiet put-away" aria-label=${say("putAway")} onClick=${() => setShown(null)}><${Icon} name="close" size=${16} /></button>
      </div>`}
    </div>`;
};

/** Draw the page again when the person, the language or the address is another one. @param {() => void} [onMoved] hears of another address */
export function useRedraw(onMoved) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => {
    const moved = () => {
      redraw(0);
      onMoved?.();
    };
    addEventListener("hashchange", moved);
    const stops = [onSessionChange(() => redraw(0)), onLanguageChange(() => redraw(0)), () => removeEventListener("hashchange", moved)];
    return () => stops.forEach((stop) => stop());
  }, []);
}

/** Covers all, until its reason has passed: a modal dialog, because it must lie over one that is open, and it opens again after Escape.
 * @param {{title: string, text: string, onOpen?: () => void, children?: unknown}} props */
export const Veil = ({ title, text, onOpen, children }) => {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const open = () => {
    dialog.current?.showModal();
    onOpen?.();
  };
  useEffect(open, []);
  return html`
    <dialog class="veil" ref=${dialog} onClose=${open} aria-label=${title}>
      <div class="card narrow"><h2>${title}</h2><p>${text}</p>${children}</div>
    </dialog>`;
};

export function useModal() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  return dialog;
}

/** A question before something that is not done lightly; most of that cannot be undone.
 * @param {{title: string, children?: unknown, confirm: string, kind?: "danger" | "primary", keep?: string, onConfirm: () => Promise<void> | void,
 *   onClose: () => void}} props `keep` is on the button that changes nothing */
export const Confirm = ({ title, children, confirm, kind = "danger", keep = say("cancel"), onConfirm, onClose }) => {
  const dialog = useModal();
  const { run, busy, failed } = useAct();
  const go = async () => (await run(onConfirm)) && onClose();
  return html`
    <dialog ref=${dialog} aria-label=${title} onClose=${onClose}>
      <h2>${title}</h2>
      ${children}
      ${failed}
      <div class="row end">
        <button type="button" class="quiet" onClick=${onClose}>${keep}</button>
        <button type="button" class=${kind} disabled=${busy} onClick=${go}>${confirm}</button>
      </div>
    </dialog>`;
};

/** What something is, and what it becomes. @param {{before: unknown, after: unknown}} props */
export const Change = ({ before, after }) => html`<p>${before} → <strong>${after}</strong></p>`;

/** A button, and the question before it acts. `words` are on the button, above the question and on its answer, unless these have their own.
 * @param {{words: string, kind?: "danger" | "primary", look?: string | null, button?: unknown, title?: string, confirm?: string, keep?: string,
 *   onConfirm: () => Promise<void> | void, children?: unknown}} props */
export const AskFirst = ({ words, look, button = words, title = words, confirm = words, ...question }) => {
  const [asked, setAsked] = useState(false);
  return html`
    <button type="button" class=${look} onClick=${() => setAsked(true)}>${button}</button>
    ${asked && html`<${Confirm} title=${title} confirm=${confirm} onClose=${() => setAsked(false)} ...${question} />`}`;
};

/** The same of what is taken back, with a reason. @param {{words: string, title: string, label: string, hint?: string, name: string, path: string, onDone: () => void, children?: unknown}} props */
export const AskReason = ({ words, title, path, onDone, children, ...field }) => {
  const [reason, setReason] = useState("");
  const send = async () => {
    if (!reason.trim()) throw new Error(say("reasonMissing"));
    await post(path, { reason });
    onDone();
  };
  return html`
    <${AskFirst} words=${words} title=${title} onConfirm=${send}>
      ${children}
      <${TextArea} ...${field} rows="3" maxlength="500" value=${reason} onText=${setReason} />
    <//>`;
};

/** `chosen` stays the answer where `onChoose` hears of another one; without that it is the first one, which the form changes.
 * @param {{name: string, title: unknown, note?: unknown, hint?: string, options: [string, unknown][], chosen?: string | null, required?: boolean,
 *   onChoose?: (value: string) => void, children?: unknown}} props */
export const Chips = ({ name, title, note, hint, options, chosen, required = false, onChoose, children }) => html`
  <fieldset>
    <legend>${title}</legend>
    ${note}${hint && html`<small>${hint}</small>`}
    <div class="chips">
      ${options.map(([value, text]) => html`<label class="chip"><input type="radio" name=${name} value=${value} required=${required}
        ...${onChoose ? { checked: value === chosen, onChange: () => onChoose(value) } : { defaultChecked: value === chosen }} />${text}</label>`)}
    </div>
    ${children}
  </fieldset>`;

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

/** A password, or a link to choose one, that is shown this once. @param {{title: string, text: string, password: string, until?: string, file?: string, onClose: () => void}} props `file`: the name to download it under. */
export const Secret = ({ title, text, password, until, file, onClose }) => {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const open = () => dialog.current?.showModal(); // and again after Escape: nobody can show it once more
  useEffect(open, []);
  return html`
    <dialog ref=${dialog} aria-label=${title} onClose=${open}>
      <h2>${title}</h2>
      <p class="secret" lang="">${password}</p>
      <p>${text}${until && html` ${say("validUntil", { date: sayDate(until) })}`}</p>
      <div class="row end">
        ${navigator.clipboard && html`<button class="quiet" onClick=${async () => {
          await navigator.clipboard.writeText(password).catch(() => {});
          toast(say("copied"));
        }}>${say("copy")}</button>`}
        ${file && html`<a class="button quiet" download=${file} href=${`data:text/plain,${encodeURIComponent(password)}`}>${say("download")}</a>`}
        <button class="primary" onClick=${onClose}>${say("done")}</button>
      </div>
    </dialog>`;
};
