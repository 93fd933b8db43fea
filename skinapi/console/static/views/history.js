// @ts-check
// One's own findings, the newest first.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getConditions, getFile, getPage, remove } from "/console/api.js";
import { BandBadge, Confirm, Empty, Failure, Icon, Loading, toast, useAnswer } from "/console/components.js";
import { say, sayDate } from "/console/language.js";
import { labelOfBand } from "/console/views/finding.js";

/** A picture is fetched when its row is this near to the screen. */
const NEAR = "300px";

/** The kept photo, small. @param {{number: number, kept: boolean}} props */
export const Thumbnail = ({ number, kept }) => {
  const [url, setUrl] = useState("");
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!kept || !place.current) return undefined;
    let made = "";
    let current = true;
    const fetchPicture = async () => {
      made = await getFile(apiPath`/submissions/${number}/thumbnail`, "image/jpeg").catch(() => "");
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
  }, [number, kept]);
  return html`<span class="thumb" ref=${place}>
    ${url ? html`<img class="thumb" src=${url} alt="" />` : html`<${Icon} name="camera" />`}</span>`;
};

export const View = () => {
  const [items, setItems] = useState(/** @type {any[] | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const conditions = useAnswer(getConditions, []);
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const load = async () => {
    setError(null);
    try {
      const found = [];
      /** @type {string | null} */
      let next = "/submissions?limit=200";
      while (next) {
        /** @type {any} */
        const page = await getPage(next);
        found.push(...page.items);
        next = page.next;
      }
      setItems(found.reverse());
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
            <${Thumbnail} number=${one.id} kept=${one.photo_kept} />
            <div class="grow"><a href="#/finding/${one.id}">${say("title_finding")} ${one.id}</a>
              <small>${sayDate(`${one.time.replace(" ", "T")}Z`)}</small></div>
            <${BandBadge} band=${one.band}
              label=${conditions.value ? labelOfBand(conditions.value, one.band) : one.band_label} />
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
