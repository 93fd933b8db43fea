// The API as the console calls it. Answers are the API's own; an error carries its sentence.

/** `leave`: where one logs out of the clinic's log-in. @typedef {{token: string, role: string, email: string, leave?: string}} Session */
/** The last thing that was done in a tab of this browser, a log-in, a new token or a log-out, and when. @typedef {{session: Session | null, at: number}} Last */

const KEY = "skinapi.session";
/** So long a new tab waits for an answer of the others before it shows that nobody is logged in. */
const ANSWERED_WITHIN_MS = 40;
/** What the names begin with under which views/drafts.js keeps what was typed. */
export const DRAFTS_KEY = "skinapi.typed.";
/** Under which views/unsent_photos.js keeps the key of the photos that were not sent. */
export const PHOTOS_KEY = `${DRAFTS_KEY}photos`;

/** An answer above 399, or none at all (status 0: the server cannot be reached). */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} sentence @param {number} retryAfter @param {string} question what the sender may confirm
   * @param {{reason: string, note: string | null} | null} refusal why the account was not approved @param {string} doctor who is in charge
   * @param {Api["EntryInError"] | null} inError why this stands for nothing
   * @param {Api["ReplacedStatement"] | null} replaces what a refused review is milder than */
  constructor(status, code, sentence, retryAfter = 0, question = "", refusal = null, doctor = "", inError = null, replaces = null) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.question = question;
    this.refusal = refusal;
    this.doctor = doctor;
    this.inError = inError;
    this.replaces = replaces;
  }
}

let { session, at } = readSession();
/** Whoever sits at this tab, or nobody: aborted when that changes, not when a token does. */
let presence = new AbortController();
let persons = 0;
/** While the account is deleted, whose token ends before the answer is there. */
let leaving = false;
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {{release: () => void, sends: boolean}[]} */
let waitingForLogin = [];

export const getSession = () => session;

export const personNumber = () => persons;

export const isWaitingForLogin = () => waitingForLogin.length > 0;

/** Whether anything that waits for the log-in changes something on the server. */
export const isSending = () => waitingForLogin.some(({ sends }) => sends);

export function onSessionChange(/** @type {() => void} */ listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Log in, take a new token, or log out, here and in all tabs of this browser. What was done last
 * counts in each, whoever is logged in there. The session lasts as long as one of them.
 * @param {Session | null} next */
export function setSession(next) {
  apply(next, Math.max(Date.now(), at + 1));
  tabs.postMessage({ session, at });
}

/** @param {Session | null} next @param {number} since */
function apply(next, since) {
  const before = session;
  [session, at, asking] = [next, since, false];
  if (next) sessionStorage.setItem(KEY, JSON.stringify({ ...next, at }));
  else sessionStorage.removeItem(KEY);
  const waiting = waitingForLogin;
  waitingForLogin = [];
  if (before && next && sameEmail(before, next)) waiting.forEach(({ release }) => release());
  else if (before || next) changePerson();
  if (before && next && !sameEmail(before, next)) location.replace("/"); // its views hold data
  listeners.forEach((listener) => listener());
}

/** @param {Session} one @param {Session} other */
const sameEmail = (one, other) =>
  one.email.trim().toLowerCase() === other.email.trim().toLowerCase();

/** Abort what is under way, and forget: nothing of one person may reach the next one at the tab. */
function changePerson() {
  presence.abort();
  presence = new AbortController();
  persons += 1;
  const photos = sessionStorage.getItem(PHOTOS_KEY);
  if (photos) import("/console/views/unsent_photos.js").then(({ forgetTab }) => forgetTab(photos), () => {}); // unreadable at once, without their key
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFTS_KEY)) sessionStorage.removeItem(key);
  conditions = null; // the question may have been aborted
}

/** How the tabs of this browser tell each other what was done last. One that opens asks for it. */
const tabs = new BroadcastChannel("skinapi.session");
tabs.onmessage = (/** @type {MessageEvent<Last & {asks?: boolean}>} */ { data }) => {
  if (data.at > at) apply(data.session, data.at);
  // A session that has ended is none to hand on.
  else if (data.asks && data.at < at && !isWaitingForLogin()) tabs.postMessage({ session, at });
};
tabs.postMessage({ session, at, asks: true });
let asking = !session;
setTimeout(() => {
  if (!asking) return;
  asking = false;
  listeners.forEach((listener) => listener());
}, ANSWERED_WITHIN_MS);

export const isAsking = () => asking;

/** Ask whether the session still stands. Where it has ended, the login covers the page. */
export function checkSession() {
  if (session && !isWaitingForLogin()) get("/me").catch(() => {});
}

/** Log out at once, in all tabs of the session; the server is told as far as it can be reached. */
export function logOut() {
  const headers = headersOf(session, { "Content-Type": "application/json" });
  const leave = session?.leave;
  setSession(null);
  fetch("/auth/logout", { method: "POST", headers, body: "{}", keepalive: true }).catch(() => {});
  if (leave) location.assign(leave);
}

/** Close the account. Then this page asks nothing more, and nobody to log in again. @param {unknown} json */
export async function deleteAccount(json) {
  leaving = true;
  try {
    const answer = await remove("/me", json);
    presence.abort();
    return answer;
  } finally {
    leaving = false;
  }
}

/** @returns {Last} */
function readSession() {
  try {
    const { at, ...kept } = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return { session: kept, at };
  } catch {
    return { session: null, at: 0 };
  }
}

let ahead = 0;

export const serverTime = () => Date.now() + ahead;

/** @typedef {{json?: unknown, form?: FormData, bytes?: Blob, key?: string, accept?: string,
 *   onProgress?: (share: number) => void, signal?: AbortSignal, token?: string}} Options `token`: of another session than the one of this page */

/** What `read` makes of a good answer. A request belongs to the person who made it: once they have
 * left the tab it is aborted, and this promise never settles, so that no view draws or sends more.
 * @template T @param {string} method @param {string} path @param {Options} [options]
 * @param {(response: Response) => Promise<T>} [read] @returns {Promise<T>} */
function send(method, path, options = {}, read = (response) => response.json()) {
  const mine = presence;
  return new Promise((resolve, reject) => {
    exchange(method, path, options, options.signal ? AbortSignal.any([mine.signal, options.signal]) : mine.signal)
      .then(read)
      .then((value) => mine === presence && resolve(value), (error) => mine === presence && reject(error));
  });
}

/** @param {string} method @param {string} path @param {Options} options
 * @param {AbortSignal} signal aborted when the person leaves or cancels @returns {Promise<Response>} */
async function exchange(method, path, options, signal) {
  signal.throwIfAborted();
  const used = options.token ? null : session;
  /** @type {Record<string, string>} */
  const headers = headersOf(options.token ? { token: options.token } : used, { Accept: options.accept ?? "application/json" });
  if (options.key) headers["Idempotency-Key"] = options.key;
  /** @type {XMLHttpRequestBodyInit | undefined} */
  let body = options.form ?? options.bytes;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  }
  let response;
  try {
    response = options.onProgress
      ? await sendSlowly(method, path, headers, body, signal, options.onProgress)
      : await fetch(path, { method, headers, body, signal });
  } catch {
    throw new ApiError(0, "offline", "offline");
  }
  const answeredAt = Date.parse(response.headers.get("Date") ?? "");
  if (answeredAt) ahead = answeredAt - Date.now();
  if (response.ok) {
    if (response.headers.has("X-Records-Left-Out")) noteLeftOut();
    return response;
  }
  const problem = await response.json().catch(() => ({}));
  const error = new ApiError(
    response.status,
    problem.code ?? "unknown",
    problem.detail ?? problem.error ?? response.statusText,
    Number(response.headers.get("Retry-After") ?? 0),
    problem.question,
    problem.refusal,
    problem.doctor,
    problem.in_error,
    problem.replaces,
  );
  signal.throwIfAborted();
  if (response.status !== 401 || !used || path.startsWith("/login") || (leaving && method !== "DELETE")) throw error;
  // The session has ended while the page was open: log in again, then go on where one was.
  if (session?.token === used.token) await newToken(method !== "GET");
  return exchange(method, path, options, signal);
}

/** Whether a list of this view lacks what cannot be read. */
let leftOut = false;
addEventListener("hashchange", () => (leftOut = false));

function noteLeftOut() {
  leftOut = true;
  listeners.forEach((listener) => listener());
}

export const isLeftOut = () => leftOut;

/** Settles when the same person has logged in again. @param {boolean} sends @returns {Promise<void>} */
function newToken(sends) {
  return new Promise((resolve) => {
    waitingForLogin.push({ release: resolve, sends });
    listeners.forEach((listener) => listener());
  });
}

/** @param {Pick<Session, "token"> | null} of @param {Record<string, string>} others */
const headersOf = (of, others) => (of ? { ...others, Authorization: `Bearer ${of.token}` } : others);

/** The same as `fetch`, which cannot tell how much of a body has been sent.
 * @param {string} method @param {string} path @param {Record<string, string>} headers
 * @param {XMLHttpRequestBodyInit | undefined} body @param {AbortSignal} signal @param {(share: number) => void} onProgress
 * @returns {Promise<Response>} */
function sendSlowly(method, path, headers, body, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.responseType = "blob";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded / (event.total || 1));
    request.onerror = request.onabort = () => reject(new Error("no answer"));
    request.onload = () => {
      const retryAfter = request.getResponseHeader("Retry-After");
      const kept = retryAfter ? { "Retry-After": retryAfter } : undefined;
      resolve(new Response(request.response, { status: request.status, headers: kept }));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

/** The path of a request with its values encoded, as in: apiPath`/submissions/${number}/photo`.
 * Browsers resolve `.` and `..` also where they are encoded, and an empty value would leave a
 * shorter path: instead of these stands `_`, which names nothing.
 * @param {TemplateStringsArray} texts @param {(string | number)[]} values */
export const apiPath = (texts, ...values) =>
  String.raw({ raw: texts }, ...values.map((value) => (/^\.{0,2}$/.test(`${value}`) ? "_" : encodeURIComponent(value))));

/** @param {string} path @returns {Promise<any>} */
export const get = (path) => send("GET", path);

/** The same with another token than that of the session here, which stays as it is. @param {string} path @param {string} token @returns {Promise<any>} */
export const getWith = (path, token) => send("GET", path, { token });

/** The items of a list and the address of its next page. @param {string} path @returns {Promise<{items: any[], next: string | null}>} */
export const getPage = (path) =>
  send("GET", path, {}, async (response) => {
    const link = response.headers.get("Link") ?? "";
    const next = link.match(/<([^>]+)>;\s*rel="?next"?/);
    return { items: await response.json(), next: next ? next[1] : null };
  });

/** The pages of a list from this one on, until they hold so many items or end. @param {string} path @param {number} least
 * @returns {ReturnType<typeof getPage>} */
export async function readPages(path, least) {
  const { items, next } = await getPage(path);
  if (!next || items.length >= least) return { items, next };
  const more = await readPages(next, least - items.length);
  return { items: [...items, ...more.items], next: more.next };
}

/** All items of a list. @param {string} path @returns {Promise<any[]>} */
export const getAll = async (path) => (await readPages(path, Infinity)).items;

/** A file as an address for an image or a download. @param {string} path @param {string} accept */
export const getFile = async (path, accept, method = "GET") =>
  URL.createObjectURL(await send(method, path, { accept }, (response) => response.blob()));

/** Save a file under a name. @param {string} path @param {string} accept @param {string} name */
export async function saveFile(path, accept, name, method = "GET") {
  const link = document.createElement("a");
  link.href = await getFile(path, accept, method);
  link.download = name;
  link.click();
}

/** @param {string} path @param {unknown} [json] @param {string} [key] @returns {Promise<any>} */
export const post = (path, json = {}, key = undefined) => send("POST", path, { json, key });

/** @param {string} path @param {unknown} json @returns {Promise<any>} */
export const put = (path, json) => send("PUT", path, { json });

/** @param {string} path @param {unknown} [json] @returns {Promise<any>} */
export const patch = (path, json = {}) => send("PATCH", path, { json });

/** @param {string} path @param {unknown} [json] @returns {Promise<any>} */
export const remove = (path, json) => send("DELETE", path, { json });

/** @param {string} path @param {FormData} form @param {string} key
 * @param {(share: number) => void} onProgress how much has been sent @returns {Promise<any>} */
export const upload = (path, form, key, onProgress) => send("POST", path, { form, key, onProgress });

/** A part of a file. @param {string} path @param {Blob} bytes @param {(share: number) => void} onProgress
 * @param {AbortSignal} signal @returns {Promise<any>} */
export const putBytes = (path, bytes, onProgress, signal) => send("PUT", path, { bytes, onProgress, signal });

/** A name for one request, so that sending it again does not act twice. */
export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Ask once, and answer from memory afterwards. @type {Promise<any> | null} */
let conditions = null;

/** The medical words of the server: conditions, bands, checklist, notices. @returns {Promise<any>} */
export function getConditions() {
  conditions ??= get("/conditions").catch((error) => {
    conditions = null;
    throw error;
  });
  return conditions;
}
