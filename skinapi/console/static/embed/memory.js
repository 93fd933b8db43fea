// In the frame of another site nothing is kept in the browser, and nothing is told to its other tabs: where
// the console stores a session, a draft or a photo, or hands a session to a tab that opens, stands this
// memory of the page. So a key is gone with its page, and a doctor who is logged in to the console in
// another tab stays out of it. It comes before every module of the console; a browser that keeps foreign
// frames from its storage, and throws there, needs it too.

class Memory {
  /** @param {string} key */
  getItem(key) {
    return Object.hasOwn(this, key) ? /** @type {Record<string, string>} */ (/** @type {unknown} */ (this))[key] : null;
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    Object.assign(this, { [key]: value });
  }

  /** @param {string} key */
  removeItem(key) {
    Reflect.deleteProperty(this, key);
  }
}

class NoChannel {
  postMessage() {}
}

Object.defineProperties(globalThis, {
  localStorage: { value: new Memory() },
  sessionStorage: { value: new Memory() },
  indexedDB: { value: undefined },
  BroadcastChannel: { value: NoChannel },
});
