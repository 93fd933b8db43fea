// @ts-check
// What an admin connects to other systems: one section at a time, each a module of its own.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Load, Tabs } from "/console/components.js";
import { say } from "/console/language.js";
import { goTo } from "/console/navigation.js";

/** The sections, in their order; each exports `Section`, and `integration_<name>` is its title. @type {Record<string, () => Promise<{Section: () => unknown}>>} */
const SECTIONS = {
  keys: () => import("/console/views/clinic_keys.js"),
  log_in: () => import("/console/views/clinic_log_ins.js"),
  archive: () => import("/console/views/archive.js"),
  webhooks: () => import("/console/views/webhooks.js"),
};

/** @param {{argument: string}} props */
export const View = ({ argument }) => {
  const [first, ...others] = Object.keys(SECTIONS);
  const chosen = Object.hasOwn(SECTIONS, argument) ? argument : first;
  const tabs = [first, ...others].map((name) => [name, say(/** @type {WordKey} */ (`integration_${name}`))]);
  return html`
    <h1>${say("title_integrations")}</h1>
    ${others.length > 0 && html`<${Tabs} label=${say("title_integrations")} tabs=${tabs} chosen=${chosen} onChoose=${(/** @type {string} */ name) => goTo(`integrations/${name}`)} />`}
    <${Load} key=${chosen} ask=${SECTIONS[chosen]}>${(/** @type {{Section: () => unknown}} */ { Section }) => html`<${Section} />`}<//>`;
};
