// @ts-check
// A page of several sections, one at a time, each a module of its own that is loaded when it is first shown.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Load, Tabs } from "/console/components.js";
import { say } from "/console/language.js";
import { goTo } from "/console/navigation.js";

/** The sections in their order: each exports `Section`. @typedef {Record<string, () => Promise<{Section: () => unknown}>>} SectionModules */

/** @param {{place: string, nameOf: (section: string) => string, sections: SectionModules, argument: string}} props */
export const Sections = ({ place, nameOf, sections, argument }) => {
  const [first, ...others] = Object.keys(sections);
  const chosen = Object.hasOwn(sections, argument) ? argument : first;
  const title = say(/** @type {WordKey} */ (`title_${place}`));
  const tabs = [first, ...others].map((name) => [name, nameOf(name)]);
  return html`
    <h1>${title}</h1>
    ${others.length > 0 && html`<${Tabs} label=${title} tabs=${tabs} chosen=${chosen} onChoose=${(/** @type {string} */ name) => goTo(`${place}/${name}`)} />`}
    <${Load} key=${chosen} ask=${sections[chosen]}>${(/** @type {{Section: () => unknown}} */ { Section }) => html`<${Section} />`}<//>`;
};
