// Which views a role works with; the first is where it begins. What a view is: VIEWS in main.js.

/** What each area that is on adds, as its `area.py` declares it. @type {{views: Record<string, string>, open: string[], children: Record<string, string[]>,
 *   beside_models: string[], sections: Record<string, Record<string, string>>, inside: Record<string, string>, scopes: string[]}[]} */
export const AREAS = JSON.parse(document.querySelector("meta[name=areas]")?.getAttribute("content") ?? "[]");

/** The models, and what they are made of and by. Of these only the first stands in the navigation of a role; the others stand beside it. */
export const MODELS = [...AREAS.flatMap((area) => area.beside_models), "models"];

const NAVIGATION = {
  user: ["spots", "check"],
  researcher: [MODELS[0]],
  doctor: ["queue", "patients", "outcomes"],
  admin: ["overview", "accounts", "audit", "triage", MODELS[0]],
};

/** The views that are opened from a place of the navigation. @type {Record<string, string[]>} */
const CHILDREN = {
  queue: ["case"],
  patients: ["course"],
  spots: ["finding", "spot", "visits", "messages"],
  overview: ["integrations", "data-protection"],
  account: ["keys", "my-data"],
  models: ["version"],
  ...Object.assign({}, ...AREAS.map(({ children }) => children)),
};

/** @param {string} role @returns {string[]} */
export const placesOf = (role) =>
  NAVIGATION[/** @type {keyof typeof NAVIGATION} */ (role)] ?? NAVIGATION.user;

/** What is in the navigation of staff with spots of their own: a photo of oneself is begun from there. */
export const OWN_PLACES = ["spots"];

/** Where the messages of a role are counted, which it reads from there. */
export const READS_MESSAGES = ["spots", "queue"];

/** The place of the navigation that a view belongs to. @param {string} name */
export const placeOf = (name) => Object.keys(CHILDREN).find((place) => CHILDREN[place].includes(name)) ?? name;

/** Where the page is scrolled, or in a low window all of it. */
export const scrollToTop = () => [document.querySelector(".page"), document.scrollingElement].forEach((one) => one?.scrollTo(0, 0));

export const goTo = (/** @type {string} */ place) => {
  location.hash = `#/${place}`;
};

/** The name of the view, its argument and its filters, from the address behind `#/`, which anyone can put into a link. */
export function readAddress() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", argument = "", ...rest] = path.split("/");
  return { name, argument, rest, filters: new URLSearchParams(query) };
}

/** What stands in the address behind a place: the filters that ask for something. @param {string} place @param {Record<string, string>} filters */
export function addressOf(place, filters) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  return query ? `${place}?${query}` : place;
}

/** As `goTo`, without a step for the browser's Back. @param {string} place */
export const replacePlace = (place) => location.replace(`#/${place}`);

/** Before the number of a finding in an argument, which else names a spot or a patient. */
export const IN_PLACE_OF = "finding-";
const OTHER_PHOTO = new RegExp(`(?:^|-)${IN_PLACE_OF}(\\d+)$`);

/** The number of that finding, of the argument of such a place. @param {string} argument */
export const readOtherPhoto = (argument) => OTHER_PHOTO.exec(argument)?.[1];
