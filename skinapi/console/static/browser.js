// What a browser calls itself, in words that its user knows.

/** The first that fits: most browsers also name those that they descend from. @type {[string, string][]} */
const BROWSERS = [
  ["Edg", "Edge"], ["OPR/", "Opera"], ["SamsungBrowser/", "Samsung Internet"], ["Firefox/", "Firefox"], ["FxiOS/", "Firefox"], ["CriOS/", "Chrome"],
  ["Chrome/", "Chrome"], ["Safari/", "Safari"],
];
/** @type {[string, string][]} */
const SYSTEMS = [
  ["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS X", "Mac"], ["CrOS", "ChromeOS"], ["Linux", "Linux"],
];

/** The browser and the system that a User-Agent names; what is none of a browser stays as it is. @param {string} client */
export function nameOfClient(client) {
  if (!client.startsWith("Mozilla/")) return client;
  const found = [BROWSERS, SYSTEMS].map((known) => known.find(([sign]) => client.includes(sign))?.[1]);
  return found.filter(Boolean).join(" · ") || client;
}
