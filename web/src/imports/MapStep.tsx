// The third step: where each column of the file goes, with what its values would cost there. What is chosen is said to the server at once.
import { Button, Checkbox, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useFieldTypes, useTables } from '../api/queries';
import type { AnalysedColumn, ImportChange, ImportDraft, Table } from '../api/wire';
import { fieldTypeName, kindOf } from '../fields/registry';
import { words } from '../text/imports';
import { Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { saidOf, typeByItself, typesOf } from './newColumns';
import { BackTo, StepFoot } from './Steps';
import { EXTERNAL_ID, fillable, KEY, missing, NEW, problemOf, settling, SKIP, targetsOf, type Targets } from './wizard';

const { map: say } = words;
const SAMPLES_SHOWN = 3;

interface MapProps {
  id: string;
  /** Whether a button was pressed that is not done yet. */
  going: boolean;
  draft: ImportDraft;
  table: Table | undefined;
  error: unknown;
  change: (body: ImportChange) => void;
  next: () => void;
  straight: () => void;
}

export function MapStep(props: MapProps) {
  const { id, draft, table, change } = props;
  const targets = targetsOf(draft, table);
  const lacking = missing(targets, draft, table);
  const nothing = Object.values(targets).every((one) => one === SKIP);
  const [name, setName] = useState(draft.newTable?.name ?? '');
  const nameFault = useNameFault(draft.newTable ? name : null);
  const elsewhere = draft.problems.filter((one) => !draft.analysis.columns.some((column) => one.field === `mapping.${column.header}`));
  const blocked = lacking.length > 0 || nothing || nameFault !== null || draft.problems.length > 0;
  // Another name has the file looked at anew, so it is said once, not letter by letter.
  const keepName = () => {
    const wanted = name.trim();
    if (draft.newTable && wanted !== '' && wanted !== draft.newTable.name) change({ newTable: { name: wanted } });
  };
  const go = (targets: Targets, types?: Record<string, string>) => {
    const body = settling(draft, table, targets, types);
    if (body) change(body);
  };
  return (
    <Stack gap="md">
      <Group align="start" gap="md">
        {draft.newTable && (
          <TextInput size="xs" w={260} label={say.name} required error={nameFault} value={name} onChange={(event) => setName(event.currentTarget.value)} onBlur={keepName} />
        )}
        <Select
          size="xs"
          w={250}
          label={say.locale}
          allowDeselect={false}
          data={Object.entries(say.locales).map(([value, label]) => ({ value, label }))}
          value={draft.options.locale ?? ''}
          onChange={(locale) => change({ options: { ...draft.options, locale: locale || null } })}
        />
        <Checkbox
          size="sm"
          className="beside-labels"
          label={say.allText}
          checked={draft.options.allText ?? false}
          onChange={(event) => change({ options: { ...draft.options, allText: event.currentTarget.checked } })}
        />
      </Group>
      {draft.options.locale && <div className="import-note">{say.localeNote}</div>}
      <Remembered draft={draft} table={table} targets={targets} change={change} />
      <div className="sheet mapping-sheet">
        <table className="plain mapping">
          <Heads names={[say.inFile, say.samples, say.goesTo, say.type]} />
          <tbody>
            {draft.analysis.columns.map((column) => (
              <MapRow
                key={column.header}
                column={column}
                draft={draft}
                table={table}
                target={targets[column.header] ?? NEW}
                goTo={(target) => go({ ...targets, [column.header]: target })}
                choose={(type) => go(targets, { [column.header]: type })}
              />
            ))}
          </tbody>
        </table>
      </div>
      {nothing && <Problem error={new Error(say.nothing)} />}
      {lacking.length > 0 && <Problem error={new Error(say.missing(lacking.map((one) => one.name).join(', ')))} />}
      {elsewhere.map((one, i) => (
        <Problem key={i} error={new Error(one.message)} />
      ))}
      <StepFoot error={props.error} back={<BackTo id={id} step="preview" />}>
        <Button variant="default" disabled={blocked} loading={props.going} onClick={props.straight}>
          {words.straight}
        </Button>
        <Button disabled={nothing || nameFault !== null || draft.problems.length > 0} loading={props.going} onClick={props.next}>
          {words.next}
        </Button>
      </StepFoot>
    </Stack>
  );
}

/** What is wrong with the name of the table that the import makes; null for none that is made. */
function useNameFault(name: string | null): string | null {
  const tables = useTables();
  if (name === null) return null;
  if (name.trim() === '') return say.nameless;
  const same = tables.data?.some((one) => one.name.toLowerCase() === name.trim().toLowerCase());
  return same ? say.nameTaken(name.trim()) : null;
}

/** The mapping of an earlier file with the same columns is only offered. */
function Remembered({ draft, table, targets, change }: { draft: ImportDraft; table: Table | undefined; targets: Targets; change: (body: ImportChange) => void }) {
  const matchOn = draft.suggestedMatchOn;
  if (!draft.suggestionSaved) return null;
  const differs = Object.entries(draft.suggestedMapping).some(([header, slug]) => targets[header] !== undefined && targets[header] !== (slug ?? SKIP));
  const matches = JSON.stringify(matchOn) !== JSON.stringify(draft.options.matchOn ?? []);
  if (!differs && !matches) return <div className="import-note">{say.usedRemembered}</div>;
  return (
    <div className="import-note with-button">
      <span>{say.remembered}</span>
      <Button
        variant="default"
        onClick={() => {
          const mapping = { ...draft.mapping, ...draft.suggestedMapping };
          const options = { ...draft.options, matchOn: matchOn.length > 0 ? matchOn : null, updateExisting: matchOn.length > 0 };
          change(settling({ ...draft, mapping, options }, table) ?? { mapping, options });
        }}
      >
        {say.useRemembered}
      </Button>
    </div>
  );
}

interface RowProps {
  column: AnalysedColumn;
  draft: ImportDraft;
  table: Table | undefined;
  target: string;
  goTo: (target: string) => void;
  choose: (type: string) => void;
}

function MapRow({ column, draft, table, target, goTo, choose }: RowProps) {
  const types = useFieldTypes();
  const { header } = column;
  const existing = table?.columns?.find((one) => one.slug === target);
  const proposed = typeByItself(draft, column);
  const type = target === NEW ? (saidOf(draft, header)?.fieldType ?? proposed) : existing?.fieldType;
  const problem = problemOf(draft, header);
  const own = (slug: string) => table?.columns?.some((one) => one.slug === slug);
  const instead = [
    { value: NEW, label: say.newColumn },
    { value: SKIP, label: say.skip },
    ...(own(EXTERNAL_ID) ? [] : [{ value: EXTERNAL_ID, label: say.externalId }]),
    ...(table && !own(KEY) ? [{ value: KEY, label: say.key }] : []),
  ];
  const columns = fillable(table).map((one) => ({ value: one.slug, label: one.name }));
  const Icon = type ? kindOf(type).icon : null;
  return (
    <tr data-skip={target === SKIP || undefined}>
      <td>
        <strong>{header}</strong>
        <div className="dimmed">{say.filled(column.filled, column.filled + column.empty)}</div>
      </td>
      <td className="cut dimmed" title={column.samples.join('\n')}>
        {column.samples.slice(0, SAMPLES_SHOWN).join(' · ')}
      </td>
      <td>
        <Select
          size="xs"
          searchable
          allowDeselect={false}
          aria-label={say.target(header)}
          error={problem}
          data={columns.length > 0 ? [{ group: say.groups.do, items: instead }, { group: say.groups.columns, items: columns }] : instead}
          value={target}
          onChange={(value) => value && goTo(value)}
        />
      </td>
      <td>
        {target === NEW ? (
          <Select
            size="xs"
            aria-label={say.typeOf(header)}
            leftSection={Icon && <Icon size={14} aria-hidden />}
            allowDeselect={false}
            data={typesOf(column, proposed).map((one) => ({ value: one, label: fieldTypeName(types.data, one) }))}
            value={type ?? null}
            onChange={(value) => value && choose(value)}
          />
        ) : (
          type && (
            <span className="with-icon">
              {Icon && <Icon size={14} aria-hidden />} {fieldTypeName(types.data, type)}
            </span>
          )
        )}
        {type && <Cost column={column} type={type} proposed={target === NEW ? proposed : null} counted={!draft.options.locale} />}
      </td>
    </tr>
  );
}

/** What the values would cost as this type; `proposed` is what a new column would be by itself. */
function Cost({ column, type, proposed, counted }: { column: AnalysedColumn; type: string; proposed: string | null; counted: boolean }) {
  const found = column.suggestions.find((one) => one.fieldType === type);
  // Everything fits text.
  if (type === 'text' || type === 'longText') return proposed !== null && counted && column.note ? <Text className="dimmed">{column.note}</Text> : null;
  if (!counted) return <Text className="dimmed">{say.unchecked}</Text>;
  if (type === column.fieldType) return <Text className="dimmed">{column.note ?? say.fits(column.filled)}</Text>;
  if (!found) return <Text className="dimmed">{say.unchecked}</Text>;
  if (found.wouldChange + found.wouldFail === 0) return <Text className="dimmed">{say.fits(found.of)}</Text>;
  return <Text className="cost">{say.cost(found.wouldChange, found.wouldFail, found.of)}</Text>;
}
