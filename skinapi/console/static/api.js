// @ts-check
// The API as the console calls it. Answers are the API's own; an error carries its sentence.

/** @typedef {{token: string, role: string, email: string}} Session */

const KEY = "skinapi.session";

/** An answer above 399, or none at all (status 0: the server cannot be reached). */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} sentence @param {number} retryAfter */
  constructor(status, code, sentence, retryAfter = 0) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** @type {Session | null} */
let session = readSession();
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {((value: boolean) => void)[]} */
let waitingForLogin = [];

export const getSession = () => session;

/** True while a request waits for its user to log in again. */
export const isWaitingForLogin = () => waitingForLogin.length > 0;

/** @param {() => void} listener */
export function onSessionChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The session lasts as long as this tab. @param {Session | null} next */
export function setSession(next) {
  const before = session;
  session = next;
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
  else sessionStorage.removeItem(KEY);
  if (next && isWaitingForLogin()) {
    // What waits belongs to whoever made it: a photo must not be filed under somebody else's name.
    const same = before?.email.trim().toLowerCase() === next.email.trim().toLowerCase();
    releaseWaiting(same);
    if (!same) location.replace("/"); // nor may the page still hold it
  }
  listeners.forEach((listener) => listener());
}

/** Give up the requests that wait for a login. */
export function abandonWaiting() {
  releaseWaiting(false);
  setSession(null);
}

/** @param {boolean} value */
function releaseWaiting(value) {
  const waiting = waitingForLogin;
  waitingForLogin = [];
  waiting.forEach((release) => release(value));
}

/** @returns {Session | null} */
function readSession() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} method @param {string} path
 * @param {{json?: unknown, form?: FormData, key?: string, accept?: string,
 *   onProgress?: (share: number) => void}} [options]
 * @returns {Promise<Response>}
 */
async function send(method, path, options = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: options.accept ?? "application/json" };
  if (session) headers.Authorization = `Bearer ${session.token}`;
  if (options.key) headers["Idempotency-Key"] = options.key;
  /** @type {BodyInit | undefined} */
  let body = options.form;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  }
  let response;
  try {
    response = options.onProgress
      ? await sendSlowly(method, path, headers, body, options.onProgress)
      : await fetch(path, { method, headers, body });
  } catch {
    throw new ApiError(0, "offline", "offline");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const error = new ApiError(
    response.status,
    problem.code ?? "unknown",
    problem.detail ?? problem.error ?? response.statusText,
    Number(response.headers.get("Retry-After") ?? 0),
  );
  // The session has ended while the page was open: log in again, then go on where one was.
  const ended = response.status === 401 && session && !path.startsWith("/login");
  if (!ended) throw error;
  const again = await new Promise((resolve) => {
    waitingForLogin.push(resolve);
    listeners.forEach((listener) => listener());
  });
  if (!again) throw error;
  return send(method, path, options);
}

/**
 * The same as `fetch`, which cannot tell how much of a body has been sent.
 * @param {string} method @param {string} path @param {Record<string, string>} headers
 * @param {any} body @param {(share: number) => void} onProgress @returns {Promise<Response>}
 */
function sendSlowly(method, path, headers, body, onProgress) {
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
    request.send(body);
  });
}

/**
 * The path of a request with its values encoded, as in: apiPath`/submissions/${number}/photo`.
 * Browsers resolve `.` and `..` also where they are encoded, and an empty value would leave a
 * shorter path: instead of these stands `_`, which names nothing.
 * @param {TemplateStringsArray} texts @param {(string | number)[]} values
 */
export const apiPath = (texts, ...values) =>
  String.raw({ raw: texts }, ...values.map((value) => (/^\.{0,2}$/.test(`${value}`) ? "_" : encodeURIComponent(value))));

/** @param {string} path @returns {Promise<any>} */
export const get = async (path) => (await send("GET", path)).json();

/** The items of a list and the address of its next page. @param {string} path */
export async function getPage(path) {
  const response = await send("GET", path);
  const link = response.headers.get("Link") ?? "";
  const next = link.match(/<([^>]+)>;\s*rel="?next"?/);
  return { items: await response.json(), next: next ? next[1] : null };
}

/** @param {string} path @param {string} accept */
export const getText = async (path, accept) => (await send("GET", path, { accept })).text();

/** A file as an address for an image or a download. @param {string} path @param {string} accept */
export async function getFile(path, accept) {
  const response = await send("GET", path, { accept });
  return URL.createObjectURL(await response.blob());
}

/** @param {string} path @param {unknown} [json] @param {string} [key] @returns {Promise<any>} */
export const post = async (path, json = {}, key = undefined) =>
  (await send("POST", path, { json, key })).json();

/** @param {string} path @param {unknown} json @returns {Promise<any>} */
export const put = async (path, json) => (await send("PUT", path, { json })).json();

/** @param {string} path @param {unknown} [json] @returns {Promise<any>} */
export const patch = async (path, json = {}) => (await send("PATCH", path, { json })).json();

/** @param {string} path @returns {Promise<any>} */
export const remove = async (path) => (await send("DELETE", path)).json();

/**
 * @param {string} path @param {FormData} form @param {string} key
 * @param {(share: number) => void} onProgress how much has been sent @returns {Promise<any>}
 */
export const upload = async (path, form, key, onProgress) =>
  (await send("POST", path, { form, key, onProgress })).json();

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
