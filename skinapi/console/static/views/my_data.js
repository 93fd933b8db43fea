// @ts-check
// What is stored about oneself, and what one may do with it: each section is a file beside this one.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Answer, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";
import { MyConsents } from "/console/views/my_consents.js";
import { MyDeletion } from "/console/views/my_deletion.js";
import { MyFile } from "/console/views/my_file.js";
import { MyReaders } from "/console/views/my_readers.js";

export const View = () => {
  const answer = useAnswer(() => get("/me"), []);
  return html`
    <h1>${say("title_my-data")}</h1>
    <${Answer} answer=${answer}>
      ${(/** @type {Api["Me"]} */ me) => html`
        <div class="columns">
          <div><${MyConsents} onChange=${answer.reload} /></div>
          <div><${MyFile} me=${me} /><${MyReaders} /><${MyDeletion} me=${me} /></div>
        </div>`}
    <//>`;
};
