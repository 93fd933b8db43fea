// The colours of every heat map, from the least to the most: violet, green, yellow. No skin has them, and colour-blind people
// can tell them apart. The console draws with this module, the server reads its numbers (heat_map_overlay.py).
export const HEAT_COLOURS = [
  [70, 40, 160],
  [30, 150, 160],
  [80, 200, 100],
  [255, 235, 50]
];
