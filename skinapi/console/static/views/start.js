// The first page: what this is, and the way in; and what is shown for an address that names no view.

import { html, useEffect } from "/console/vendor/htm-preact-3.1.1.js";
import { getSession } from "/console/api.js";
import { Empty, Icon } from "/console/components.js";
import { say } from "/console/language.js";
import { placesOf } from "/console/navigation.js";
import { WayIn } from "/console/views/login.js";

const Start = () => {
  const session = getSession();
  useEffect(() => {
    // Whoever has gone elsewhere meanwhile stays there.
    if (session && !location.hash.replace(/^#\/?/, "")) location.replace(`#/${placesOf(session.role)[0]}`);
  }, [session?.role]);
  if (session) return null;
  return html`
    <div class="start">
      <section>
        <h1>${say("startTitle")}</h1>
        <ol class="steps">
          <li><${Icon} name="camera" />${say("startStep1")}</li>
          <li><${Icon} name="self_monitoring" />${say("startStep2")}</li>
          <li><${Icon} name="file" />${say("startStep3")}</li>
        </ol>
        <a class="button" href="#/sample">${say("trySample")}</a>
      </section>
      <section class="card narrow">
        <h2>${say("title_login")}</h2>
        <${WayIn} />
      </section>
    </div>`;
};

const Missing = () => html`
  <${Empty} title=${say("title_missing")}>
    <p>${say("missingText")}</p>
    <a class="button" href="#/">${say("toStart")}</a>
  <//>`;

export const VIEWS = { "": Start, missing: Missing };
