// The different values of a column with how many records hold each, and the way to those records. Changes nothing.
import { Button, Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Search } from 'lucide-react';
import { useState } from 'react';
import { addressOf } from '../api/places';
import { keys, useFieldTypes } from '../api/queries';
import { distinct } from '../api/shaping';
import type { Column, DistinctValue, FilterNode, Table } from '../api/wire';
import { valueText } from '../fields/registry';
import { operatorsOf } from '../filter/model';
import { text } from '../text/en';
import '../styles/shape.css';
import { words } from '../text/shape';
import { Dialog } from '../ui/Dialog';
import { Sheet } from '../ui/Sheet';
import { Failure, Loading } from '../ui/states';
import { Heads } from '../ui/tables';
import { count } from '../ui/time';

const { values: say } = words;
const SHOWN_MAX = 200;
const ASK_AFTER_MS = 250;

interface Props {
  table: Table;
  column: Column;
  close: () => void;
  filter: (rule: FilterNode) => void;
}

/** The rule that finds the records of a value; none where no operator does. */
function ruleOf(column: Column, { value }: DistinctValue, operators: string[]): FilterNode | undefined {
  if (value === null) return operators.includes('isEmpty') ? { column: column.slug, operator: 'isEmpty' } : undefined;
  return operators.includes('eq') && typeof value !== 'object' ? { column: column.slug, operator: 'eq', value } : undefined;
}

export function Values({ table, column, close, filter }: Props) {
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), ASK_AFTER_MS);
  const types = useFieldTypes();
  const operators = operatorsOf(types.data, { slug: column.slug, name: column.name, fieldType: column.fieldType, column });
  const found = useQuery({
    queryKey: [...keys.table(addressOf(table)), 'distinct', column.slug, search],
    queryFn: () => distinct(addressOf(table), column.slug, SHOWN_MAX, search),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const list = found.data?.values ?? [];
  return (
    <Dialog onClose={close} title={say.title(column.name)}>
      <Stack gap="sm">
        <Text size="sm">{say.body}</Text>
        <TextInput type="search" data-autofocus leftSection={<Search size={14} aria-hidden />} placeholder={say.search} aria-label={say.search} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
        {found.isPending && <Loading rows={5} />}
        {found.isError && <Failure error={found.error} retry={() => void found.refetch()} />}
        {found.data && list.length === 0 && <Text size="sm">{search === '' ? say.none : say.noMatch}</Text>}
        {!found.isError && list.length > 0 && (
          <Sheet label={say.title(column.name)} short>
            <table className="plain">
              <Heads names={[say.value, say.count]} num={say.count} />
              <tbody>
                {list.map((one, i) => {
                  const name = one.value === null ? say.empty : (one.display ?? valueText(one.value, column));
                  const rule = ruleOf(column, one, operators);
                  return (
                    <tr key={i}>
                      <td className="cut">
                        {rule ? (
                          <UnstyledButton className="as-link" aria-label={say.show(name)} onClick={() => filter(rule)}>
                            {name}
                          </UnstyledButton>
                        ) : (
                          name
                        )}
                      </td>
                      <td className="num">{count(one.count)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Sheet>
        )}
        {found.data?.hasMore && (
          <Text size="sm" c="dimmed">
            {say.more(list.length)}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {text.common.close}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
