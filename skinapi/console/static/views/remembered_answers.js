// @ts-check
// Age and sex as they were told last: in this browser until one logs out.

import { getSession, ANSWERS_KEY } from "/console/api.js";

/** What this person told last; nothing of anybody else. @returns {Record<string, string>} */
export function recallAnswers() {
  try {
    const { email, ...told } = JSON.parse(localStorage.getItem(ANSWERS_KEY) ?? "{}");
    return email === getSession()?.email ? told : {};
  } catch {
    return {};
  }
}

/** @param {FormData} answers */
export function rememberAnswers(answers) {
  const told = Object.fromEntries(["age_band", "sex"].map((name) => [name, answers.get(name) ?? ""]));
  try {
    localStorage.setItem(ANSWERS_KEY, JSON.stringify({ ...told, email: getSession()?.email }));
  } catch {} // it is full: they are asked again
}
