// What waits, asked for as long as one looks at the page: messages that nobody has read, findings to
// review, accounts that nobody has approved.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getSession, onSessionChange, personNumber } from "/console/api.js";
import { Icon } from "/console/components.js";
import { say, sayCount, sayNumber } from "/console/language.js";
import { usePolling } from "/console/lists.js";

const EVERY_MS = 5000;
const SELDOM_MS = 30_000;
/** The findings to review are counted each second time. */
const COUNTED = 2;
/** What waits as of the last answer: messages, for a doctor the findings to review, and how often these were counted.
 * @typedef {{messages: Api["WaitingView"][], counts: Api["QueueCountsView"] | null, counted: number}} Waiting */
/** @type {Waiting} */
const NOTHING = { messages: [], counts: null, counted: 0 };
let known = NOTHING;
let turn = 0;
/** @type {Set<() => void>} */
const listeners = new Set();

function tell(/** @type {Waiting} */ next) {
  known = next;
  listeners.forEach((listener) => listener());
}

onSessionChange(() => {
  if (!getSession()) tell(NOTHING); // it is not for whoever is next
});

/** Ask now; without `counted` for the messages alone. */
export async function askWhatWaits(counted = true) {
  if (document.visibilityState !== "visible") return;
  const counts = counted && getSession()?.role === "doctor";
  const [messages, queue] = await Promise.all([get("/messages"), counts ? get("/queue/counts") : known.counts]);
  tell({ messages, counts: queue, counted: known.counted + Number(counts) });
}

/** For the frame: ask again and again while `asked`. @param {boolean} asked */
export const useAsking = (asked) => {
  usePolling(async () => asked && askWhatWaits(turn++ % COUNTED === 0), [asked, personNumber()], () => asked, EVERY_MS);
};

export function useWaiting() {
  const [shown, setShown] = useState(known);
  useEffect(() => {
    const listener = () => setShown(known);
    listener();
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return shown;
}

/** How many messages these are. @param {Api["WaitingView"][]} messages */
export const countUnread = (messages) => messages.reduce((sum, { unread }) => sum + unread, 0);

export const UnreadCount = () => {
  const count = countUnread(useWaiting().messages);
  return count > 0 && html` <span class="unread" role="img" aria-label=${say("messagesUnread", { count: sayNumber(count) })}><${Icon} name="message" size=${14} />${sayNumber(count)}</span>`;
};

export const QueueCount = () => {
  const { to_review: count = 0, unassigned } = useWaiting().counts ?? {};
  const urgent = unassigned?.urgent ?? 0; // of patients without a doctor
  return html`
    ${count > 0 && html` <span class="count" role="img" aria-label=${say("findingsToReview", { count: sayNumber(count) })}>${sayNumber(count)}</span>`}
    ${urgent > 0 && html` <span class="unread" role="img" title=${sayCount("urgentWithoutDoctor", urgent)} aria-label=${sayCount("urgentWithoutDoctor", urgent)}>${sayNumber(urgent)}</span>`}`;
};

/** Ask again how many accounts wait: one was just decided on. */
let askAgain = () => {};
export const askForAccounts = () => askAgain();

/** How many accounts wait for approval, beside their place; the API counts up to 1000. */
export const AccountCount = () => {
  const { value, reload } = usePolling(() => get("/admin/overview"), [personNumber()], () => true, SELDOM_MS);
  askAgain = reload;
  const count = value?.waiting_accounts ?? 0;
  return count > 0 && html` <span class="unread" role="img" aria-label=${sayCount("accountsWait", count)}>${sayNumber(count)}</span>`;
};
