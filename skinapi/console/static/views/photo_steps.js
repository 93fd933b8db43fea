// @ts-check
// One question at a time where the page is narrow: which questions there are, and the way between them.
// The address names the question, so that the browser's Back goes to the one before.

import { useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { addressOf, goTo, readAddress, replacePlace } from "/console/navigation.js";

/** Below 700 px, with letters of the usual size, one question is asked at a time. */
const NARROW = "(max-width: 43.74rem)";

/** @typedef {"photo" | "place" | "spot" | "kind" | "about" | "checklist" | "keep"} Step */

export function useNarrow() {
  const [narrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const media = matchMedia(NARROW);
    const hear = () => setNarrow(media.matches);
    media.addEventListener("change", hear);
    return () => media.removeEventListener("change", hear);
  }, []);
  return narrow;
}

/**
 * The bar below the questions: the page ends above it, as high as it is now. One that would lie over too much of a
 * small window stands at the end of the page, unless it holds a message.
 */
export function useBar() {
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const page = /** @type {HTMLElement} */ (document.querySelector(".page"));
    const observer = new ResizeObserver(() => {
      if (!bar.current) return;
      const { offsetHeight: height, classList } = bar.current;
      classList.toggle("at-end", height > innerHeight / 4 && !bar.current.querySelector(".message"));
      page.style.marginBottom = getComputedStyle(bar.current).position === "fixed" ? `${height}px` : "";
    });
    for (const one of [bar.current, page]) if (one) observer.observe(one);
    return () => {
      observer.disconnect();
      page.style.marginBottom = "";
    };
  }, []);
  return bar;
}

/**
 * The questions that are asked, in their order: not where a spot is that one came from, nor which spot
 * it is where nobody said where, nor how several photos were taken.
 * @param {{known: boolean, placed: boolean, several: boolean}} told @returns {Step[]}
 */
export function stepsOf({ known, placed, several }) {
  /** @type {[Step, boolean][]} */
  const all = [
    ["photo", true], ["place", !known], ["spot", !known && placed], ["kind", !several], ["about", true], ["checklist", true], ["keep", true],
  ];
  return all.filter(([, asked]) => asked).map(([step]) => step);
}

/** So many questions were gone through since the first one, each a step for the browser's Back. */
const depth = () => Number(history.state?.asked ?? 0);

/** @param {Step} step */
function addressOfStep(step) {
  const { name, argument } = readAddress();
  return addressOf(argument ? `${name}/${argument}` : name, { step: step === "photo" ? "" : step });
}

/** A second tap on the same button is no further step. @param {Step} step */
export function askNext(step) {
  const [asked, address] = [depth() + 1, addressOfStep(step)];
  if (location.hash === `#/${address}`) return;
  goTo(address);
  history.replaceState({ asked }, "");
}

/** @param {Step} step the question before */
export function askBefore(step) {
  if (depth() > 0) history.back();
  else replacePlace(addressOfStep(step));
}

/** From the questions to another place, from which Back leads to where one came from. @param {string} place */
export function leaveQuestions(place) {
  if (readAddress().name !== "check") goTo(place);
  else if (depth() === 0) replacePlace(place);
  else {
    addEventListener("popstate", () => replacePlace(place), { once: true });
    history.go(-depth());
  }
}
