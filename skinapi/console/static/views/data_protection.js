// @ts-check
// What goes by its time, what was erased, and who opened a finding in an emergency.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";
import { Sections } from "/console/views/sections.js";

/** `protection_<name>` is the title of a section. @type {import("/console/views/sections.js").SectionModules} */
const SECTIONS = {
  retention: () => import("/console/views/retention.js"),
  glass: () => import("/console/views/break_glass.js"),
  erasures: () => import("/console/views/erasures.js"),
};

/** @param {{argument: string}} props */
export const View = ({ argument }) => html`<${Sections} place="data-protection" nameOf=${(/** @type {string} */ name) => say(/** @type {WordKey} */ (`protection_${name}`))} sections=${SECTIONS} argument=${argument} />`;
