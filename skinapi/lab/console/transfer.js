// The upload of files, and what is made of them. It goes on while one looks at other views, and after a lost connection.

import { html, useEffect, useReducer } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, onSessionChange, personNumber, post, putBytes, remove } from "/console/api.js";
import { Message, toast } from "/console/components.js";
import { say, sayBytes, sayPercent } from "/console/language.js";
import { isPassing } from "/console/lists.js";
import { goTo } from "/console/navigation.js";

/** What is made of the uploads. `use` sends the request and answers the place of the result; it is called again after a
 * failure, also where only the answer was lost.
 * @typedef {{name: string, sayFault: (error: Failed) => string, use: (uploads: string[]) => Promise<string>}} Purpose */
/** `waiting`: for the connection; `sent` and `total` are bytes.
 * @typedef {{phase: "sending" | "waiting" | "failed", purpose: Purpose, sent: number, total: number, error?: Failed}} State */
/** @typedef {{name: string, bytes: Blob, upload?: Api["UploadView"]}} Piece one upload */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** The upload does not continue here: the answer to an earlier part was lost. */
const WRONG_OFFSET = "wrong_offset";

/** @type {State | null} */
let state = null;
/** @type {Piece[]} */
let pieces = [];
let cancelled = new AbortController();
let person = 0;
let wake = () => {};
/** @type {Set<() => void>} */
const listeners = new Set();

function become(/** @type {State | null} */ next) {
  state = next;
  listeners.forEach((listener) => listener());
}

const isActive = () => state?.phase === "sending" || state?.phase === "waiting";

addEventListener("beforeunload", (event) => isActive() && event.preventDefault());
addEventListener("online", () => wake());
// Of one person nothing may reach the next one at this tab.
onSessionChange(() => {
  if (state && person !== personNumber()) endTransfer();
});

/** @param {Piece[]} packed @param {Purpose} purpose */
export function startTransfer(packed, purpose) {
  pieces = packed;
  person = personNumber();
  cancelled = new AbortController();
  const total = pieces.reduce((sum, { bytes }) => sum + bytes.size, 0);
  become({ phase: "sending", purpose, sent: 0, total });
  run();
}

/** Go on after a failure, or at once instead of waiting for the connection. */
function continueTransfer() {
  if (state?.phase === "waiting") wake();
  if (state?.phase === "failed") run();
}

function cancelTransfer() {
  cancelled.abort();
  for (const { upload } of pieces) if (upload) remove(apiPath`/uploads/${upload.id}`).catch(() => {}); // else it is deleted after a day
  endTransfer();
}

function endTransfer() {
  cancelled.abort();
  pieces = [];
  wake();
  become(null);
}

async function run() {
  const mine = cancelled.signal;
  try {
    for (const piece of pieces) await sendPiece(piece, mine);
    if (mine.aborted || !state) return;
    const { name, use } = state.purpose;
    const place = await use(pieces.map(({ upload }) => upload?.id ?? ""));
    if (mine.aborted) return;
    endTransfer();
    if (location.hash === "#/add") goTo(place);
    else toast(say("sentForCheck", { name }));
  } catch (error) {
    if (!mine.aborted && state) become({ ...state, phase: "failed", error });
  }
}

/** @param {Piece} piece @param {AbortSignal} signal */
async function sendPiece(piece, signal) {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted && !piece.upload?.complete) {
    try {
      if (!piece.upload) piece.upload = await post("/uploads", { name: piece.name, size: piece.bytes.size });
      else await sendPart(piece, signal);
      wait = FIRST_WAIT_MS;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError) || !(isPassing(error) || error.code === WRONG_OFFSET)) {
        if (error instanceof ApiError && error.status === 404) piece.upload = undefined; // expired: it begins anew
        throw error;
      }
      await refuseUnreadable(piece);
      await pause(error, wait, signal);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      await findPlace(piece);
    }
  }
}

/** @param {Piece} piece @param {AbortSignal} signal */
async function sendPart(piece, signal) {
  const { id, received, largest_part } = /** @type {Api["UploadView"]} */ (piece.upload);
  const part = piece.bytes.slice(received, received + largest_part);
  progress(piece, 0);
  const sent = (/** @type {number} */ share) => progress(piece, share * part.size);
  piece.upload = await putBytes(apiPath`/uploads/${id}/${received}`, part, sent, signal);
  progress(piece, 0);
}

/** @param {Piece} piece @param {number} more bytes of its present part */
function progress(piece, more) {
  if (!state) return;
  const before = pieces.slice(0, pieces.indexOf(piece)).reduce((sum, { bytes }) => sum + bytes.size, 0);
  become({ ...state, phase: "sending", error: undefined, sent: before + (piece.upload?.received ?? 0) + more });
}

/** A file that was changed or removed cannot be read, which looks like a lost connection. @param {Piece} piece */
async function refuseUnreadable({ bytes, upload }) {
  if (!upload) return;
  const part = bytes.slice(upload.received, upload.received + upload.largest_part);
  await part.arrayBuffer().catch(() => {
    throw new ApiError(400, "file_changed", say("fileChanged"));
  });
}

/** @param {ApiError} error @param {number} wait @param {AbortSignal} signal */
async function pause(error, wait, signal) {
  if (state && error.code !== WRONG_OFFSET) become({ ...state, phase: "waiting", error });
  await new Promise((resolve) => {
    wake = () => resolve(undefined);
    signal.addEventListener("abort", wake, { once: true });
    setTimeout(wake, Math.max(wait, 1000 * error.retryAfter));
  });
}

/** Where the next part begins, as far as the server can be asked. @param {Piece} piece */
async function findPlace(piece) {
  if (!piece.upload) return;
  try {
    piece.upload = await get(apiPath`/uploads/${piece.upload.id}`);
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
}

export function useTransfer() {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  useEffect(() => {
    const listener = () => redraw(0);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return state;
}

/** How far the upload is, with the ways out. @param {{transfer: State}} props */
export const TransferStatus = ({ transfer }) => {
  const { phase, purpose, sent, total, error } = transfer;
  const share = sent / Math.max(1, total);
  return html`
    <section class="card transfer" aria-label=${say("uploadOf", { name: purpose.name })}>
      <div class="row between"><h2>${say("uploadOf", { name: purpose.name })}</h2><strong>${sayPercent(Math.floor(1000 * share) / 1000)}</strong></div>
      <progress max="1" value=${share} aria-label=${say("uploadOf", { name: purpose.name })}></progress>
      <p><small>${say("uploadedOf", { sent: sayBytes(sent), total: sayBytes(total) })}
        ${phase === "sending" && html` ${say("uploadGoesOn")}`}</small></p>
      ${phase === "waiting" && html`<${Message}>${say(error?.status === 0 ? "uploadWaits" : "uploadWaitsBusy")}<//>`}
      ${phase === "failed" && error && html`<${Message} kind="bad">${purpose.sayFault(error)}<//>`}
      <div class="row">
        ${phase !== "sending" && html`<button class="primary" onClick=${continueTransfer}>${say("tryAgain")}</button>`}
        <button class="danger" onClick=${cancelTransfer}>${say("cancelUpload")}</button>
      </div>
    </section>`;
};
