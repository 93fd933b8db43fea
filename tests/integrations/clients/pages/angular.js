// Shows the class, its confidence and the report; of an error `message`.
import { api, onPhoto, put, token } from "./page.js";

const SECTIONS = [
  "overview",
  "importance_of_early_detection",
  "recommendation",
  "confidence_explanation",
];

onPhoto(async (file) => {
  const body = new FormData();
  body.append("image", file);
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${api}/predict`, { method: "POST", headers, body });
  const said = await answer.json();
  if (!answer.ok) {
    put("plain", `Upload failed: ${said.message}`);
    return;
  }
  put("plain", `Type: ${said.class}`);
  put("plain", `Confidence: ${said.confidence}%`);
  for (const section of SECTIONS) put("plain", said.report[section]);
});
