// @ts-check
// What an admin connects to other systems.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";
import { Sections } from "/console/views/sections.js";

/** `integration_<name>` is the title of a section. @type {import("/console/views/sections.js").SectionModules} */
const SECTIONS = {
  keys: () => import("/console/views/clinic_keys.js"),
  log_in: () => import("/console/views/clinic_log_ins.js"),
  archive: () => import("/console/views/archive.js"),
  webhooks: () => import("/console/views/webhooks.js"),
};

/** @param {{argument: string}} props */
export const View = ({ argument }) => html`<${Sections} place="integrations" nameOf=${(/** @type {string} */ name) => say(/** @type {WordKey} */ (`integration_${name}`))} sections=${SECTIONS} argument=${argument} />`;
