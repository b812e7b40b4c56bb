// The order of the rows: up to five keys, each with a direction.
import { ActionIcon, Button, Group, SegmentedControl, Select, Text } from '@mantine/core';
import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react';
import type { SortKey } from '../api/wire';
import { text } from '../text/en';
import { SORT_KEYS_MAX, type Filterable } from './model';

export function SortPanel(props: { fields: Filterable[]; sort: SortKey[]; change: (sort: SortKey[]) => void }) {
  const { fields, sort, change } = props;
  const put = (i: number, key: SortKey) => change(sort.map((old, j) => (i === j ? key : old)));
  const free = fields.filter((field) => field.fieldType !== 'json' && !field.column?.encrypted && !sort.some((key) => key.column === field.slug));
  const swap = (i: number, j: number) => {
    const next = [...sort];
    const [a, b] = [next[i], next[j]];
    if (!a || !b) return;
    next[i] = b;
    next[j] = a;
    change(next);
  };
  return (
    <div className="sort-panel" role="group" aria-label={text.sort.title}>
      {sort.length === 0 && (
        <Text size="sm" c="dimmed" pb="xs">
          {text.sort.empty}
        </Text>
      )}
      {sort.map((key, i) => (
        <div key={key.column} className="sort-row">
          <Select
            size="xs"
            className="filter-column"
            aria-label={text.sort.column(i + 1)}
            openOnFocus={false}
            searchable
            allowDeselect={false}
            data={fields
              .filter((one) => one.slug === key.column || free.includes(one))
              .map((one) => ({ value: one.slug, label: one.name }))}
            value={key.column}
            onChange={(column) => column && put(i, { ...key, column })}
            comboboxProps={{ withinPortal: false }}
          />
          <SegmentedControl
            size="xs"
            aria-label={text.sort.direction(i + 1)}
            value={key.direction}
            onChange={(direction) => put(i, { ...key, direction: direction as SortKey['direction'] })}
            data={[
              { value: 'asc', label: text.sort.asc },
              { value: 'desc', label: text.sort.desc },
            ]}
          />
          <ActionIcon variant="subtle" color="gray" aria-label={text.sort.up} disabled={i === 0} onClick={() => swap(i, i - 1)}>
            <ArrowUp size={14} />
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" aria-label={text.sort.down} disabled={i === sort.length - 1} onClick={() => swap(i, i + 1)}>
            <ArrowDown size={14} />
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" aria-label={text.sort.remove} onClick={() => change(sort.filter((_, j) => j !== i))}>
            <X size={14} />
          </ActionIcon>
        </div>
      ))}
      <Group gap={4} mt={4}>
        <Button
          variant="subtle"
          leftSection={<Plus size={14} />}
          disabled={sort.length >= SORT_KEYS_MAX || free.length === 0}
          onClick={() => free[0] && change([...sort, { column: free[0].slug, direction: 'asc' }])}
        >
          {text.sort.add}
        </Button>
        {sort.length > 0 && (
          <Button variant="subtle" color="gray" onClick={() => change([])}>
            {text.sort.clear}
          </Button>
        )}
      </Group>
    </div>
  );
}
