// @ts-check
// Which views a role works with; the first is where it begins.

const NAVIGATION = {
  user: ["check", "history"],
  researcher: ["check", "history"],
  doctor: ["queue", "patients", "check"],
  admin: ["users", "doctors", "usage", "audit", "server", "check"],
};

/** @param {string} role @returns {string[]} */
export const placesOf = (role) =>
  NAVIGATION[/** @type {keyof typeof NAVIGATION} */ (role)] ?? NAVIGATION.user;

/** @param {string} place */
export const goTo = (place) => {
  location.hash = `#/${place}`;
};
