// @ts-check
// What is stored about oneself, in sentences, and all of it as one file.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, saveFile } from "/console/api.js";
import { Answer, sayError, toast, useAct, useAnswer } from "/console/components.js";
import { say, sayCount, sayDate, sayList } from "/console/language.js";
import { CONSENTS } from "/console/views/my_consents.js";

/** @param {{me: Api["Me"]}} props */
export const MyFile = ({ me }) => {
  const answer = useAnswer(() => get("/me/data/summary"), []);
  const { run, busy } = useAct();
  const save = () => run(() => saveFile("/me/data", "application/json", "skinapi-my-data.json").catch((error) => toast(sayError(error))));
  const agreed = CONSENTS.filter(([name]) => me.consents[name]).map(([, words]) => say(words));
  return html`
    <section class="card">
      <h2>${say("myFile")}</h2>
      <${Answer} answer=${answer}>
        ${(/** @type {Api["OwnDataSummary"]} */ { since: registered, ...stored }) => {
          const counts = Object.entries(stored).filter(([, count]) => count > 0).map(([nouns, count]) => sayCount(nouns, count));
          const since = sayDate(registered, false);
          return html`<p>${counts.length > 0 ? say("dataStored", { since, stored: sayList(counts) }) : say("nothingStored", { since })}
            ${" "}${agreed.length > 0 ? say("agreedTo", { consents: sayList(agreed) }) : say("agreedToNothing")}</p>`;
        }}
      <//>
      <p><button disabled=${busy} onClick=${save}>${say(busy ? "loading" : "downloadData")}</button></p>
      <p><small>${say("downloadDataText")}</small></p>
    </section>`;
};
