// Photos that were chosen and not sent: they are there when one comes back, also after a reload. They lie
// encrypted in the browser's database; the key lies in the tab and goes with it, or with its person
// (`changePerson` of api.js). Without a database or cryptography the page alone holds them.

import { newKey, PHOTOS_KEY } from "/console/api.js";

const DATABASE = "skinapi.unsent";
const STORE = "photos";
const KEPT_MS = 60 * 60 * 1000;

/** Whose photos they are in the database, and with what they are encrypted. @typedef {{id: string, secret: string}} Tab */
/** @typedef {{at: number, iv: Uint8Array<ArrayBuffer>, bytes: ArrayBuffer, type: string}} Encrypted */

/** @returns {Tab | null} */
function readTab() {
  try {
    return JSON.parse(sessionStorage.getItem(PHOTOS_KEY) ?? "null");
  } catch {
    return null;
  }
}

/** @returns {Tab} */
function makeTab() {
  const tab = { id: newKey(), secret: newKey() };
  sessionStorage.setItem(PHOTOS_KEY, JSON.stringify(tab));
  return tab;
}

function cipherOf(/** @type {Tab} */ { secret }) {
  const bytes = Uint8Array.from(secret.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE).createIndex("at", "at");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** In one transaction. Its result is that of the request which `act` makes. @template T
 * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} act @returns {Promise<T>} */
async function inStore(mode, act) {
  const database = await openDatabase();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** For an hour at most. It may fail (the disk is full, a private window): then nothing is kept. @param {string} id @param {Blob} photo */
export async function keepPhoto(id, photo) {
  try {
    const tab = readTab() ?? makeTab();
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const bytes = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await cipherOf(tab), await photo.arrayBuffer());
    if (readTab()?.id !== tab.id) return; // its person has left meanwhile
    await inStore("readwrite", (store) => store.put({ at: Date.now(), iv, bytes, type: photo.type }, [tab.id, id]));
    setTimeout(forgetOldPhotos, KEPT_MS + 1000);
  } catch {}
}

/** The photo, or null where this tab has kept none within the hour. @param {string} id @returns {Promise<Blob | null>} */
export async function recallPhoto(id) {
  try {
    const tab = readTab();
    if (!tab) return null;
    /** @type {Encrypted | undefined} */
    const kept = await inStore("readonly", (store) => store.get([tab.id, id]));
    if (!kept || kept.at < Date.now() - KEPT_MS) return null;
    const bytes = await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv }, await cipherOf(tab), kept.bytes);
    return new Blob([bytes], { type: kept.type });
  } catch {
    return null;
  }
}

export async function forgetPhotos(/** @type {string[]} */ ids) {
  const tab = readTab();
  if (!tab) return;
  for (const id of ids) await inStore("readwrite", (store) => store.delete([tab.id, id])).catch(() => {});
}

/** All of a tab, whose `Tab` this is as text. @param {string} written */
export async function forgetTab(written) {
  try {
    const { id } = JSON.parse(written);
    await inStore("readwrite", (store) => store.delete(IDBKeyRange.bound([id], [id, []])));
  } catch {}
}

/** Those of every tab that are older than an hour; tabs that were closed leave some. */
export async function forgetOldPhotos() {
  const old = IDBKeyRange.upperBound(Date.now() - KEPT_MS);
  await inStore("readwrite", (store) => {
    const request = store.index("at").openKeyCursor(old);
    request.onsuccess = () => {
      if (!request.result) return;
      store.delete(request.result.primaryKey);
      request.result.continue();
    };
    return request;
  }).catch(() => {});
}
