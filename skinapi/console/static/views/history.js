// @ts-check
// One's own findings, the newest first.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getAll, getConditions, getFile, remove } from "/console/api.js";
import { BandBadge, Confirm, Empty, Failure, Icon, Loading, toast, useAnswer } from "/console/components.js";
import { say, sayDate } from "/console/language.js";
import { bandOf, DecisionLine } from "/console/views/decision.js";
import { labelForPatient } from "/console/views/finding.js";

/** A picture is fetched when its row is this near to the screen. */
const NEAR = "300px";

/** The picture at this path, small; an icon where there is none. @param {{path: string | null, alt?: string}} props */
export const Thumbnail = ({ path, alt = "" }) => {
  const [url, setUrl] = useState("");
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!path || !place.current) return undefined;
    let made = "";
    let current = true;
    const fetchPicture = async () => {
      made = await getFile(path, "image/jpeg").catch(() => "");
      if (current) setUrl(made);
      else if (made) URL.revokeObjectURL(made);
    };
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        fetchPicture();
      },
      { rootMargin: NEAR },
    );
    observer.observe(place.current);
    return () => {
      current = false;
      observer.disconnect();
      if (made) URL.revokeObjectURL(made);
    };
  }, [path]);
  return html`<span class="thumb" ref=${place}>
    ${url ? html`<img class="thumb" src=${url} alt=${alt} />` : html`<${Icon} name="camera" />`}</span>`;
};

/** The kept photo of a finding, small. @param {{number: number, kept: boolean}} props */
export const KeptPhoto = ({ number, kept }) => html`<${Thumbnail} path=${kept ? apiPath`/submissions/${number}/thumbnail` : null} />`;

export const View = () => {
  const [items, setItems] = useState(/** @type {any[] | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const conditions = useAnswer(getConditions, []);
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const load = async () => {
    setError(null);
    try {
      setItems((await getAll("/submissions?limit=200")).reverse());
    } catch (problem) {
      setError(problem);
    }
  };
  useEffect(() => {
    load();
  }, []);
  if (error) return html`<${Failure} error=${error} retry=${load} />`;
  if (!items) return html`<${Loading} />`;
  return html`
    <h1>${say("title_history")}</h1>
    ${items.length === 0 &&
    html`<${Empty} title=${say("historyEmpty")}><p>${say("historyEmptyText")}</p>
      <a class="button primary" href="#/check">${say("nav_check")}</a><//>`}
    <ul class="list">
      ${items.map(
        (one) => html`
          <li key=${one.id}>
            <${KeptPhoto} number=${one.id} kept=${one.photo_kept} />
            <div class="grow"><a href="#/finding/${one.id}">${say("title_finding")} ${one.id}</a>
              <small>${sayDate(`${one.time.replace(" ", "T")}Z`)}</small>
              ${conditions.value && html`<${DecisionLine} decision=${one.decision} conditions=${conditions.value} />`}</div>
            <${BandBadge} band=${bandOf(one)}
              label=${conditions.value ? labelForPatient(conditions.value, bandOf(one)) : ""} />
            <button class="quiet" aria-label=${`${say("delete")} ${one.id}`} onClick=${() => setDoomed(one)}>
              <${Icon} name="trash" /></button>
          </li>`,
      )}
    </ul>
    ${doomed &&
    html`<${Confirm} title=${say("deleteFinding")} confirm=${say("delete")} onClose=${() => setDoomed(null)}
      onConfirm=${async () => {
        await remove(apiPath`/submissions/${doomed.id}`);
        setItems(items.filter((one) => one !== doomed));
        toast(say("deleted"));
      }}><p>${say("deleteFindingText", { number: doomed.id })}</p><//>`}`;
};
