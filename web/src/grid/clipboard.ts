// Tab-separated text as spreadsheets write and read it. Knows no grid.

/** Cells with tabs, line breaks or quotes are quoted, as spreadsheets do. */
export function toTsv(rows: string[][]): string {
  const cell = (value: string) => (/[\t\n\r"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return rows.map((row) => row.map(cell).join('\t')).join('\n');
}

export function toHtml(rows: string[][]): string {
  const escape = (value: string) =>
    value
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\n', '<br>');
  const body = rows
    .map((row) => `<tr>${row.map((value) => `<td>${escape(value)}</td>`).join('')}</tr>`)
    .join('');
  return `<table>${body}</table>`;
}

/** Reads quoted cells, also with line breaks inside; a quote inside a plain cell stays as it is. */
export function fromTsv(input: string): string[][] {
  const source = input.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const rows: string[][] = [];
  let row: string[] = [];
  let i = 0;
  for (;;) {
    const [value, next] = readCell(source, i);
    row.push(value);
    const stop = source[next];
    i = next + 1;
    if (stop === '\t') continue;
    rows.push(row);
    row = [];
    if (stop === undefined) return rows;
  }
}

function readCell(source: string, start: number): [string, number] {
  if (source[start] === '"') {
    const quoted = readQuoted(source, start + 1);
    if (quoted) return quoted;
  }
  let end = start;
  while (end < source.length && source[end] !== '\t' && source[end] !== '\n') end++;
  return [source.slice(start, end), end];
}

function readQuoted(source: string, start: number): [string, number] | null {
  let value = '';
  let i = start;
  for (;;) {
    const quote = source.indexOf('"', i);
    if (quote < 0) return null;
    value += source.slice(i, quote);
    if (source[quote + 1] === '"') {
      value += '"';
      i = quote + 2;
      continue;
    }
    const after = source[quote + 1];
    return after === undefined || after === '\t' || after === '\n' ? [value, quote + 1] : null;
  }
}
