// What a change of type would do to the values of a column, as a dry run told it. Begins nothing.
import { Stack, Text } from '@mantine/core';
import type { Column, ColumnTypePlan, ValueChange } from '../api/wire';
import { valueText } from '../fields/registry';
import { text } from '../text/en';
import { words } from '../text/shape';
import { Sheet } from '../ui/Sheet';
import { Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { count } from '../ui/time';

const { type: say } = words;

interface Props {
  plan: ColumnTypePlan;
  /** As it is now. */
  from: Column;
  table: string;
}

export function TypePlan({ plan, from, table }: Props) {
  const values = plan.kept + plan.changed + plan.lost + plan.restored;
  return (
    <Stack gap="md">
      {values === 0 ? <Text size="sm">{say.nothingYet}</Text> : <Figures plan={plan} />}
      {values > 0 && plan.blank > 0 && (
        <Text size="sm" c="dimmed">
          {say.blank(plan.blank)}
        </Text>
      )}
      {plan.losses.length > 0 && <Losses plan={plan} from={from} table={table} />}
      {plan.twice.length > 0 && <Changes title={say.twice} list={plan.twice} of={plan.duplicates} from={from} to={plan.column} table={table} />}
      {plan.changes.length > 0 && <Changes title={say.changes} list={plan.changes} of={plan.changed} from={from} to={plan.column} table={table} />}
      {plan.newOptions.length > 0 && (
        <div>
          <div className="label">{say.newOptions}</div>
          <div className="kinds">
            {plan.newOptions.map((name) => (
              <span key={name} className="pill">
                {name}
              </span>
            ))}
          </div>
        </div>
      )}
      {plan.asides.length > 0 && (
        <div>
          <div className="label">{say.asides}</div>
          <ul className="asides">
            {plan.asides.map((aside, i) => (
              <li key={i}>{aside.message}</li>
            ))}
          </ul>
        </div>
      )}
      {plan.refusals.map((refusal, i) => (
        <Problem key={i} error={new Error(refusal.message)} />
      ))}
    </Stack>
  );
}

function Figures({ plan }: { plan: ColumnTypePlan }) {
  const figures: [keyof ColumnTypePlan & string, number, string?][] = [
    ['kept', plan.kept],
    ['changed', plan.changed],
    ['lost', plan.lost, 'failed'],
  ];
  if (plan.restored > 0) figures.push(['restored', plan.restored, 'created']);
  if (plan.duplicates > 0) figures.push(['duplicates', plan.duplicates, 'failed']);
  return (
    <dl className="counts">
      {figures.map(([name, value, kind]) => (
        <div key={name} data-figure={name} data-kind={kind} data-zero={value === 0 || undefined}>
          <dt>{say.counts[name]}</dt>
          <dd>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Name({ table, record, inTrash }: { table: string; record: string; inTrash: boolean }) {
  const short = record.length > 16 ? `…${record.slice(-8)}` : record;
  return (
    <>
      <a href={`/t/${table}/r/${encodeURIComponent(record)}`} target="_blank" rel="noopener" title={record}>
        {short}
        <span className="visually-hidden"> {text.shell.newTab}</span>
      </a>
      {inTrash && <span className="dimmed"> {say.inTrash}</span>}
    </>
  );
}

interface ChangesProps {
  title: string;
  list: ValueChange[];
  of: number;
  from: Column;
  to: Column;
  table: string;
}

function Changes({ title, list, of, from, to, table }: ChangesProps) {
  return (
    <div>
      <div className="label">
        {title} <span className="dimmed">{say.some(list.length, of)}</span>
      </div>
      <Sheet label={title} short>
        <table className="plain">
          <Heads names={[say.before, say.after, say.record]} />
          <tbody>
            {list.map((one, i) => (
              <tr key={i}>
                <td className="cut mono">{valueText(one.before, from)}</td>
                <td className="cut mono">{valueText(one.after, to)}</td>
                <td className="time">
                  <Name table={table} record={one.record} inTrash={one.inTrash} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
    </div>
  );
}

function Losses({ plan, from, table }: Props) {
  const shown = plan.losses.flatMap((one) => one.examples);
  return (
    <div>
      <div className="label">
        {say.losses} <span className="dimmed">{say.some(shown.length, plan.lost)}</span>
      </div>
      <Sheet label={say.losses} short>
        <table className="plain">
          <Heads names={[say.value, say.why, say.record]} />
          <tbody>
            {shown.map((one, i) => (
              <tr key={i}>
                <td className="cut mono">{valueText(one.value, from)}</td>
                <td>{one.message}</td>
                <td className="time">
                  <Name table={table} record={one.record} inTrash={one.inTrash} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
    </div>
  );
}
