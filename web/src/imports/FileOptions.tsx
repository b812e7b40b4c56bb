// How a file is read: encoding, delimiter, header. Detected, and each can be put right.
import { Checkbox, Group, Select, Text } from '@mantine/core';
import type { Analysis } from '../api/wire';
import { text } from '../text/en';
import { count } from '../ui/time';

export interface ReadOptions {
  encoding?: string;
  delimiter?: string;
  skipFirstRow?: boolean;
  locale?: string;
}

const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'windows-1251', 'iso-8859-2', 'iso-8859-15', 'shift_jis', 'gb18030'];
const DELIMITERS = [',', ';', '\t', '|'];

export function FileOptions(props: {
  file: File;
  analysis: Analysis;
  options: ReadOptions;
  change: (options: ReadOptions) => void;
}) {
  const { analysis, options, change, file } = props;
  const encoding = (options.encoding ?? analysis.encoding).toLowerCase();
  const delimiter = options.delimiter ?? analysis.delimiter;
  const label = (one: string) => text.imports.delimiters[one] ?? one;
  return (
    <div className="file-options">
      <Text size="sm" fw={600}>
        {file.name}
        <Text span c="dimmed" fw={400}>
          {' '}
          · {text.imports.fileFacts(count(analysis.rows), analysis.rows, analysis.columns.length, size(file.size))}
        </Text>
      </Text>
      <Group gap="sm" align="end" mt={6}>
        <Select
          size="xs"
          w={150}
          label={text.imports.encoding}
          allowDeselect={false}
          data={[...new Set([encoding, ...ENCODINGS])]}
          value={encoding}
          onChange={(value) => change({ ...options, encoding: value ?? undefined })}
        />
        <Select
          size="xs"
          w={150}
          label={text.imports.delimiter}
          allowDeselect={false}
          data={[...new Set([delimiter, ...DELIMITERS])].map((one) => ({ value: one, label: label(one) }))}
          value={delimiter}
          onChange={(value) => change({ ...options, delimiter: value ?? undefined })}
        />
        <Select
          size="xs"
          w={220}
          label={text.imports.locale}
          data={Object.entries(text.imports.locales).map(([value, name]) => ({ value, label: name }))}
          value={options.locale ?? ''}
          allowDeselect={false}
          onChange={(value) => change({ ...options, locale: value || undefined })}
        />
        <Checkbox
          size="sm"
          pb={6}
          label={text.imports.header}
          checked={options.skipFirstRow ?? analysis.hasHeader}
          onChange={(event) => change({ ...options, skipFirstRow: event.currentTarget.checked })}
        />
      </Group>
      {analysis.warnings.length > 0 && (
        <ul className="warnings">
          {analysis.warnings.map((warning, i) => (
            <li key={i}>{warning}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const PREVIEW_ROWS = 12;

export function Preview({ analysis }: { analysis: Analysis }) {
  return (
    <div className="sheet preview" tabIndex={0} role="region" aria-label={text.imports.preview}>
      <table className="plain">
        <thead>
          <tr>
            {analysis.columns.map((column, i) => (
              <th key={i} scope="col">
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {analysis.preview.slice(0, PREVIEW_ROWS).map((row, i) => (
            <tr key={i}>
              {analysis.columns.map((_, j) => (
                <td key={j} className="cut">
                  {row[j]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
