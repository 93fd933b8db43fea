// @ts-check
// Small pictures of lists.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getFile } from "/console/api.js";
import { Icon } from "/console/components.js";

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
