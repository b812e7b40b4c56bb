// The second step: how the file is read, and its first rows read that way. Another choice reads it anew.
import { Button, Checkbox, Group, Select, Stack, Text } from '@mantine/core';
import type { Analysis, ImportDraft, ImportOptions, Table } from '../api/wire';
import { useImports } from '../api/queries';
import { words } from '../text/imports';
import { Sheet } from '../ui/Sheet';
import { Problem } from '../ui/states';
import { when } from '../ui/time';
import { bytesText } from '../ui/size';
import { StepFoot } from './Steps';
import type { Import } from './useImport';
import { optionsOf, readAnew, settling } from './wizard';

const { preview: say } = words;
const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'windows-1250', 'windows-1251', 'iso-8859-2', 'iso-8859-15', 'shift_jis', 'gb18030'];

interface PreviewProps {
  id: string;
  job: Import;
  draft: ImportDraft;
  fileName: string;
  table: Table | undefined;
  /** Whether a button was pressed that is not done yet. */
  going: boolean;
  other: () => void;
  next: () => void;
  straight: () => void;
}

export function Preview({ id, job, draft, fileName, table, going, other, next, straight }: PreviewProps) {
  const { analysis } = draft;
  const imports = useImports();
  const read = (how: Partial<ImportOptions>) => {
    const anew = readAnew(draft, how);
    job.sketch({ options: anew.options });
    void job.act(async () => {
      const seen = await imports.change(id, anew);
      const change = seen.draft ? settling(seen.draft, table) : null;
      return change ? imports.change(id, change) : seen;
    });
  };
  return (
    <Stack gap="md">
      <div className="file-options">
        <Text size="sm" fw={600} className="wrap-anywhere">
          {fileName}
          <Text span c="dimmed" fw={400}>
            {' '}
            · {say.formats[analysis.format]} · {say.facts(analysis.rows, analysis.columns.length, bytesText(draft.bytes))}
          </Text>
        </Text>
        <ReadChoices draft={draft} read={read} />
        <Problem error={job.error} />
        {analysis.warnings.length > 0 && (
          <ul className="warnings" aria-label={say.warnings}>
            {analysis.warnings.map((warning, i) => (
              <li key={i}>{warning}</li>
            ))}
          </ul>
        )}
      </div>
      {analysis.format === 'csv' && analysis.columns.length === 1 && <div className="import-note">{say.oneColumn}</div>}
      <div role="status" className={job.busy ? 'hint' : 'visually-hidden'}>
        {job.busy ? say.again : analysis.rows === 0 ? say.none : say.rows(analysis.preview.length, analysis.rows)}
      </div>
      <FirstRows analysis={analysis} />
      <Text size="sm" c="dimmed">
        {words.keptUntil(when(draft.expiresAt))}
      </Text>
      <StepFoot
        back={
          <Button variant="default" onClick={other}>
            {words.otherFile}
          </Button>
        }
      >
        <Button variant="default" loading={going} onClick={straight}>
          {words.straight}
        </Button>
        <Button onClick={next}>
          {words.next}
        </Button>
      </StepFoot>
    </Stack>
  );
}

function ReadChoices({ draft, read }: { draft: ImportDraft; read: (how: Partial<ImportOptions>) => void }) {
  const { analysis } = draft;
  const options = optionsOf(draft);
  const encoding = (options.encoding ?? analysis.encoding).toLowerCase();
  const delimiter = options.delimiter ?? analysis.delimiter;
  const quote = options.quote ?? analysis.quote;
  const named = (names: Record<string, string>, all: string[]) => [...new Set(all)].map((one) => ({ value: one, label: names[one] ?? one }));
  if (analysis.format === 'json') return null;
  return (
    <Group gap="sm" align="end" mt={8}>
      {analysis.format === 'xlsx' && analysis.sheets.length > 0 && (
        <Select
          size="xs"
          w={220}
          label={say.sheet}
          allowDeselect={false}
          data={[...new Set(analysis.sheets)]}
          value={options.sheet ?? analysis.sheet ?? null}
          onChange={(sheet) => sheet && read({ sheet, skipFirstRow: null })}
        />
      )}
      {analysis.format === 'csv' && (
        <>
          <Select size="xs" w={150} label={say.encoding} allowDeselect={false} data={[...new Set([encoding, ...ENCODINGS])]} value={encoding} onChange={(value) => value && read({ encoding: value })} />
          <Select size="xs" w={140} label={say.delimiter} allowDeselect={false} data={named(say.delimiters, [delimiter, ...Object.keys(say.delimiters)])} value={delimiter} onChange={(value) => value && read({ delimiter: value })} />
          <Select size="xs" w={160} label={say.quote} allowDeselect={false} data={named(say.quotes, [quote, ...Object.keys(say.quotes)])} value={quote} onChange={(value) => value && read({ quote: value })} />
        </>
      )}
      <Checkbox size="sm" pb={6} label={say.header} checked={options.skipFirstRow ?? analysis.hasHeader} onChange={(event) => read({ skipFirstRow: event.currentTarget.checked })} />
    </Group>
  );
}

function FirstRows({ analysis }: { analysis: Analysis }) {
  if (analysis.rows === 0) return <Text size="sm">{say.none}</Text>;
  return (
    <>
      <Text size="sm" fw={600}>
        {say.rows(analysis.preview.length, analysis.rows)}
      </Text>
      <Sheet label={say.first} short>
        <table className="plain preview">
          <thead>
            <tr>
              <th scope="col" className="num">
                {words.errors.row}
              </th>
              {analysis.columns.map((column, i) => (
                <th key={i} scope="col">
                  {column.header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {analysis.preview.map((row, i) => (
              <tr key={i}>
                <td className="num dimmed">{i + 1}</td>
                {analysis.columns.map((_, j) => (
                  <td key={j} className="cut">
                    {row[j]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
    </>
  );
}
