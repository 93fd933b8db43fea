// Pages of several sections, one at a time, each loaded when it is first shown.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Load, Tabs } from "/console/components.js";
import { say, sayValue } from "/console/language.js";
import { AREAS, goTo } from "/console/navigation.js";

/** The sections of a page in their order, and what each is called. @type {Record<string, {nameOf: (section: string) => string, sections: Record<string, () => Promise<() => unknown>>}>} */
const PAGES = {
  integrations: {
    nameOf: (name) => sayValue("integration", name),
    sections: {
      keys: async () => (await import("/console/views/keys.js")).ClinicKeys,
    },
  },
  "data-protection": {
    nameOf: (name) => sayValue("protection", name),
    sections: {
      retention: async () => (await import("/console/views/retention.js")).Retained,
      leaves: async () => (await import("/console/views/retention.js")).Leaves,
      erasures: async () => (await import("/console/views/retention.js")).Erasures,
    },
  },
};

/** What the areas add to them. @param {string} place @returns {[string, () => Promise<() => unknown>][]} */
const ofAreas = (place) =>
  AREAS.flatMap(({ sections }) => Object.entries(sections[place] ?? {})).map(([name, file]) => [name, async () => (await import(file)).View]);

const pageOf = (/** @type {string} */ place) => (/** @type {{argument: string}} */ { argument }) => {
  const { nameOf, sections: own } = PAGES[place];
  const sections = Object.fromEntries([...Object.entries(own), ...ofAreas(place)]);
  const chosen = Object.hasOwn(sections, argument) ? argument : Object.keys(sections)[0];
  const title = say(/** @type {WordKey} */ (`title_${place}`));
  const tabs = Object.keys(sections).map((name) => [name, nameOf(name)]);
  return html`
    <h1>${title}</h1>
    <${Tabs} label=${title} tabs=${tabs} chosen=${chosen} onChoose=${(/** @type {string} */ name) => goTo(`${place}/${name}`)} />
    <${Load} key=${chosen} ask=${sections[chosen]}>${(/** @type {() => unknown} */ Section) => html`<${Section} />`}<//>`;
};

export const VIEWS = { integrations: pageOf("integrations"), "data-protection": pageOf("data-protection") };
