// What a model version was trained on, and the job that has made it.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get } from "/console/api.js";
import { useAnswer } from "/console/components.js";
import { isolated, say, sayValue } from "/console/language.js";

export const View = (/** @type {{model: Api["ModelView"]}} */ { model: { dataset, job } }) => {
  const found = useAnswer(async () => dataset && get(apiPath`/datasets/${dataset}`).catch(() => null), [dataset]).value;
  return html`
    ${dataset && html`<dt>${say("trainedOn")}</dt><dd><a href="#/dataset/${dataset}">${found ? isolated(found.name) : say("title_dataset")}</a></dd>`}
    ${job && html`<dt>${dataset ? say("job_training") : sayValue("job", "import")}</dt><dd><a href="#/job/${job}"><code>${job}</code></a></dd>`}`;
};
