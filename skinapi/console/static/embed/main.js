// The page that another site shows in a frame: the console's way from a photo to its finding, for one patient,
// with a session key that the site around hands over. It has no navigation, and nobody logs in here. What it and
// that site tell each other stands in docs/integrate/embed.md; only origins that the operator lists are told or heard.

import "/console/embed/memory.js";
import { html, render, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, getConditions, getSession, getWith, isWaitingForLogin, onSessionChange, personNumber, serverTime, setSession } from "/console/api.js";
import { Answer, Failure, Icon, Loading, Message, Toasts, useAnswer, useRedraw, Veil } from "/console/components.js";
import { asLanguage, getLanguage, nameOfLanguage, otherLanguages, say, sayDate, setLanguage } from "/console/language.js";
import { readAddress, replacePlace, scrollToTop } from "/console/navigation.js";
import { FindingPage, getReport } from "/console/views/finding.js";
import { photoOf, useForgotten } from "/console/views/finding_photo.js";
import { NewPhoto } from "/console/views/new_finding.js";

const VERSION = 1;

/** @param {string} name */
const metaOf = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";

const origins = metaOf("origins").split(" ").filter(Boolean);
const isFramed = parent !== window;

/** The origin of the site around: known from the browser, or once that site has said something. */
let site = origins.find((one) => one === location.ancestorOrigins?.[0]);

/** @typedef {"ready" | "captured" | "finding" | "refused" | "expiring" | "expired" | "step" | "height"} Event */

/** A browser delivers it where the site around has that origin, and nowhere else. @param {Event} type @param {Record<string, string | number>} [values] */
function tell(type, values = {}) {
  if (!isFramed) return;
  for (const origin of site ? [site] : origins) parent.postMessage({ skinapi: VERSION, type, ...values }, origin);
}

/** @typedef {{key: string, language: string | null}} Handed */

/** The message that hands a session key, if it is one. @param {any} data @returns {Handed | null} */
function readHanded(data) {
  if (data?.skinapi !== VERSION || data.type !== "key" || typeof data.key !== "string") return null;
  return { key: data.key, language: typeof data.language === "string" ? data.language : null };
}

/** @param {(handed: Handed) => void} take what a listed site hands; anything else is ignored */
function hear(take) {
  const listen = (/** @type {MessageEvent} */ { origin, source, data }) => {
    if (!isFramed || source !== parent || !origins.includes(origin)) return;
    const handed = readHanded(data);
    if (!handed) return;
    site = origin;
    take(handed);
  };
  addEventListener("message", listen);
  return () => removeEventListener("message", listen);
}

/** A site is asked for another key so long before the one at hand ends, so that its patient notices nothing. */
const SOON_MS = 30_000;
const SESSION_KEY = /^sk_session_[\w-]+$/;
const SCOPE = "findings:write";

const origin = location.origin;

/** Whose key it is and until when. Raises what is wrong with it. @param {string} key @returns {Promise<Api["SessionKeyInfo"]>} */
async function readKey(key) {
  // Whoever hands another one by mistake has put it into a browser: it is not used here.
  if (!SESSION_KEY.test(key)) throw new ApiError(401, "no_session_key", "no_session_key");
  const info = await getWith("/keys/sessions/current", key);
  if (info.scope !== SCOPE) throw new ApiError(403, "key_lacks_scope", "key_lacks_scope");
  return info;
}

/** From now on this key is sent. Nothing of one patient may reach the next one. @param {string} key @param {Api["SessionKeyInfo"]} info */
function applyKey(key, info) {
  if (getSession() && getSession()?.email !== info.patient) {
    setSession(null);
    replacePlace("check");
  }
  // The console tells people apart by their address.
  setSession({ token: key, role: "user", email: info.patient });
}

/** The key at hand, why one was not taken, and whether the one at hand has ended. */
function useHandedKeys() {
  const [info, setInfo] = useState(/** @type {Api["SessionKeyInfo"] | null} */ (null));
  const [problem, setProblem] = useState(/** @type {{error: Failed, retry: () => void} | null} */ (null));
  const [ended, setEnded] = useState(false);
  const turn = useRef(0);
  const take = async (/** @type {Handed} */ { key, language }) => {
    const mine = ++turn.current;
    try {
      const spoken = asLanguage(language);
      if (spoken) await setLanguage(spoken).catch(() => {});
      const read = await readKey(key);
      if (mine !== turn.current) return; // another one was handed meanwhile
      applyKey(key, read);
      setInfo(read);
      setEnded(false);
      setProblem(null);
    } catch (error) {
      if (mine !== turn.current) return;
      tell("refused", { code: error.code });
      setProblem({ error, retry: () => take({ key, language }) });
    }
  };
  useEffect(() => {
    const stop = hear(take);
    tell("ready");
    return stop;
  }, []);
  const end = () => {
    setEnded(true);
    tell("expired");
  };
  useEffect(() => {
    if (!info) return undefined;
    const left = Date.parse(info.expires_at) - serverTime();
    const timers = [setTimeout(() => tell("expiring"), Math.max(0, left - SOON_MS)), setTimeout(end, left)];
    return () => timers.forEach(clearTimeout);
  }, [info]);
  // It may end before its time: it was revoked.
  useEffect(() => onSessionChange(() => isWaitingForLogin() && end()), []);
  return { info, problem, ended };
}

function useHeight() {
  useEffect(() => {
    const root = /** @type {HTMLElement} */ (document.getElementById("console"));
    const observer = new ResizeObserver(() => tell("height", { height: Math.ceil(root.getBoundingClientRect().height) }));
    observer.observe(root);
    return () => observer.disconnect();
  }, []);
}

/** The answer: what was just filed, in the language of this page. @param {{finding: Api["FindingView"]}} props */
const Finding = ({ finding }) => {
  const load = async () => {
    const [report, conditions, photo] = await Promise.all([getReport(String(finding.id)), getConditions(), photoOf(finding)]);
    return { report, conditions, photo };
  };
  const answer = useAnswer(load, [finding.id, getLanguage()]);
  useForgotten(answer.value?.photo);
  const date = sayDate(`${finding.time.replace(" ", "T")}Z`);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Awaited<ReturnType<typeof load>>} */ { report, conditions, photo }) => html`
        <${FindingPage} title=${say("findingOf", { number: finding.id, date })} report=${report} finding=${finding} photo=${photo} conditions=${conditions}>
          <p><a class="button" href="#/check">${say("title_check")}</a></p>
        <//>`}
    <//>`;
};

/** The photo, its questions, or the answer to them: what the address behind `#/` names. @param {{filed: Api["FindingView"] | null, onFiled: (finding: Api["FindingView"]) => void}} props */
const View = ({ filed, onFiled }) => {
  const { name, argument, filters } = readAddress();
  const shown = filed && name === "finding" && argument === String(filed.id) ? filed : null;
  const first = useRef(true);
  useEffect(() => {
    if (!shown && (name !== "check" || argument)) replacePlace("check");
  });
  useEffect(() => {
    if (!first.current) {
      document.querySelector("main")?.focus({ preventScroll: true });
      scrollToTop();
    }
    first.current = false;
  }, [shown]);
  if (shown) return html`<${Finding} key=${shown.id} finding=${shown} />`;
  const hearing = {
    onChosen: (/** @type {number} */ photos) => photos > 0 && tell("captured", { photos }),
    onRefused: (/** @type {Failed} */ error) => tell("refused", { code: error.code }),
    onFiled: (/** @type {Api["FindingView"]} */ finding) => {
      onFiled(finding);
      tell("finding", { number: finding.id, link: `${origin}/submissions/${finding.id}` });
    },
  };
  return html`<${NewPhoto} consent=${null} person=${null} argument="" filters=${filters} hearing=${hearing} />`;
};

/** The key has ended: what was chosen and typed stays below, until the site around hands another one. */
const Ended = () => html`
  <${Veil} title=${say("embedEnded")} text=${say("embedEndedText")} onOpen=${() => tell("step")}>
    <button class="primary" onClick=${() => tell("expired")}>${say("goOn")}</button>
  <//>`;

/** Why the page cannot begin: the key is none that it takes, or it could not ask. @param {{error: Failed, retry: () => void}} props */
const NoKey = ({ error, retry }) =>
  [401, 403, 404].includes(error.status) ? html`<${Message} kind="bad">${say("embedNoKey")}<//>` : html`<${Failure} error=${error} retry=${retry} />`;

const Header = () => html`
  <header class="top">
    <span class="brand"><bdi>${metaOf("clinic")}</bdi></span>
    <div class="row">
      ${otherLanguages().map((other) => html`<button class="quiet language" lang=${other} onClick=${() => setLanguage(other).catch(() => {})}>${nameOfLanguage(other)}</button>`)}
    </div>
  </header>`;

const Frame = (/** @type {{children?: unknown}} */ { children }) => html`
  <${Header} />
  <div class="page">
    <p class="notice"><${Icon} name="info" size=${16} />${say("notice")}</p>
    <main id="main" tabindex="-1">${children}</main>
  </div>
  <${Toasts} />`;

const Embedded = () => {
  useRedraw(() => tell("step"));
  useHeight();
  const { info, problem, ended } = useHandedKeys();
  const [filed, setFiled] = useState(/** @type {Api["FindingView"] | null} */ (null));
  useEffect(() => setFiled(null), [personNumber()]); // it is not for whoever is next
  const reads = readAddress().name === "finding" && !isWaitingForLogin();
  return html`
    <${Frame}>
      ${info
        ? html`<${View} key=${personNumber()} filed=${filed} onFiled=${setFiled} />`
        : problem
          ? html`<${NoKey} ...${problem} />`
          : html`<${Loading} />`}
    <//>
    ${ended && !reads && html`<${Ended} />`}`;
};

/** Where there is no site around that may show it. @param {{text: WordKey}} props */
const Nothing = ({ text }) => html`<${Frame}><${Message}>${say(text)}<//><//>`;

document.documentElement.lang = getLanguage();
document.title = metaOf("clinic");
const shown = origins.length === 0 ? html`<${Nothing} text="embedOff" />` : isFramed ? html`<${Embedded} />` : html`<${Nothing} text="embedAlone" />`;
render(shown, /** @type {HTMLElement} */ (document.getElementById("console")));
