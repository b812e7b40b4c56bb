// What plain tables share: their head, and the list of values that were refused. Not the grid.
import { text } from '../text/en';
import { count } from './time';

const REFUSED_SHOWN_MAX = 500;

/** The names of the columns; `num` stands over figures, `actions` over buttons. */
export function Heads({ names, num, actions }: { names: string[]; num?: string; actions?: boolean }) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th key={name} scope="col" className={name === num ? 'num' : undefined}>
            {name}
          </th>
        ))}
        {actions && (
          <th scope="col">
            <span className="visually-hidden">{text.common.actions}</span>
          </th>
        )}
      </tr>
    </thead>
  );
}

export interface Refused {
  row: number;
  column: string;
  value: string;
  reason: string;
}

export function RefusedValues({ values }: { values: Refused[] }) {
  const { row, column, value, reason } = text.report;
  return (
    <table className="plain">
      <Heads names={[row, column, value, reason]} num={row} />
      <tbody>
        {values.slice(0, REFUSED_SHOWN_MAX).map((one, i) => (
          <tr key={i}>
            <td className="num">{count(one.row)}</td>
            <td>{one.column}</td>
            <td className="cut mono">{one.value}</td>
            <td>{one.reason}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
