// By which field the rows are grouped, in which order, and all groups opened or closed at once.
import { Button, Group, SegmentedControl, Select, Text } from '@mantine/core';
import type { Filterable } from '../filter/model';
import { text } from '../text/en';
import { groupable } from './figures';
import { groupedBy } from './menus';
import type { GridModel, View } from './model';

interface PanelProps {
  grid: GridModel;
  fields: Filterable[];
  view: View;
  setView: (view: View) => void;
}

export function GroupPanel({ grid, fields, view, setView }: PanelProps) {
  const { group } = view;
  const choices = fields.filter((one) => one.column && groupable(one.column));
  return (
    <div className="group-panel">
      <Select
        label={text.group.column}
        placeholder={text.group.nothing}
        openOnFocus={false}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': text.common.clear }}
        comboboxProps={{ withinPortal: false }}
        data={choices.map((one) => ({ value: one.slug, label: one.name }))}
        value={group?.column ?? null}
        onChange={(column) => setView(groupedBy(view, column))}
      />
      {group && (
        <>
          <SegmentedControl
            size="xs"
            aria-label={text.group.direction}
            data={[
              { value: 'asc', label: text.sort.asc },
              { value: 'desc', label: text.sort.desc },
            ]}
            value={group.direction}
            onChange={(direction) => setView({ ...view, group: { ...group, direction: direction as 'asc' | 'desc' } })}
          />
          <Group justify="space-between" gap="xs">
            <Text size="xs" c="dimmed">
              {text.group.groups(grid.groups.length)}
            </Text>
            <Group gap={4}>
              <Button variant="subtle" onClick={() => grid.collapse('all', true)}>
                {text.group.collapseAll}
              </Button>
              <Button variant="subtle" onClick={() => grid.collapse('all', false)}>
                {text.group.expandAll}
              </Button>
            </Group>
          </Group>
        </>
      )}
    </div>
  );
}
