// @ts-check
// Tables of figures: on a phone each row is a block of its own, in which every value has its name.

import { html } from "/console/vendor/htm-preact-3.1.1.js";

/** The first column names the row. @template T @param {{title: string, columns: Column<T>[], rows: T[]}} props */
export const Table = ({ title, columns: [first, ...others], rows }) => html`
  <div class="scroll" tabindex="0" role="region" aria-label=${title}>
    <table class="stacked">
      <thead><tr>${[first, ...others].map(([name, , head = name]) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${rows.map((row, at) => html`<tr>
        <th scope="row">${first[1](row, at)}</th>${others.map(([name, show]) => html`<td data-name=${name}>${show(row, at)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;

/** The same behind its title. @template T @param {{title: string, open?: boolean, columns: Column<T>[], rows: T[], children?: unknown}} props */
export const FoldedTable = ({ title, open = false, children, ...table }) => html`
  <details class="card" open=${open}><summary><strong>${title}</strong></summary>${children}<${Table} title=${title} ...${table} /></details>`;
