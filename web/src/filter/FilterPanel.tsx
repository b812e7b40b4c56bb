// The filter builder: rules and groups joined by "and" or "or", nested up to three deep.
import { ActionIcon, Button, Group, Select, Text } from '@mantine/core';
import { FolderPlus, Plus, X } from 'lucide-react';
import type { FieldType, FilterGroup, FilterNode, FilterRule } from '../api/wire';
import { text } from '../text/en';
import { arityOf, DEPTH_MAX, emptyFilter, isGroup, newRule, operatorsOf, type Filterable } from './model';
import { ValueInput } from './ValueInput';

interface Shared {
  fields: Filterable[];
  types: FieldType[] | undefined;
}

export function FilterPanel(
  props: Shared & { filter: FilterGroup; change: (filter: FilterGroup) => void; copy?: () => void; empty?: string },
) {
  const { filter, change } = props;
  return (
    <div className="filter-panel" role="group" aria-label={text.filter.title}>
      {filter.filters.length === 0 && (
        <Text size="sm" c="dimmed" pb="xs">
          {props.empty ?? text.filter.empty}
        </Text>
      )}
      <GroupRows {...props} group={filter} depth={1} change={change} />
      {filter.filters.length > 0 && (
        <Group justify="flex-end" gap="xs" mt="xs">
          {props.copy && (
            <Button variant="subtle" color="gray" onClick={props.copy}>
              {text.filter.copy}
            </Button>
          )}
          <Button variant="subtle" color="gray" onClick={() => change(emptyFilter())}>
            {text.filter.clear}
          </Button>
        </Group>
      )}
    </div>
  );
}

function GroupRows(
  props: Shared & { group: FilterGroup; depth: number; change: (group: FilterGroup) => void },
) {
  const { group, change, fields, types, depth } = props;
  const put = (i: number, node: FilterNode) =>
    change({ ...group, filters: group.filters.map((old, j) => (i === j ? node : old)) });
  const drop = (i: number) => change({ ...group, filters: group.filters.filter((_, j) => j !== i) });
  const first = fields[0];
  const addRule = () =>
    first &&
    change({ ...group, filters: [...group.filters, newRule(first, operatorsOf(types, first))] });
  return (
    <>
      {group.filters.map((node, i) => (
        <div key={i} className="filter-row">
          <span className="filter-join">
            {i === 0 ? (
              <span className="filter-where">{text.filter.where}</span>
            ) : i === 1 ? (
              <Select
                size="xs"
                aria-label={text.filter.join}
                allowDeselect={false}
                data={[
                  { value: 'and', label: text.filter.and },
                  { value: 'or', label: text.filter.or },
                ]}
                value={group.operator}
                onChange={(value) => change({ ...group, operator: value === 'or' ? 'or' : 'and' })}
                comboboxProps={{ withinPortal: false }}
              />
            ) : (
              <span className="filter-where">{group.operator === 'or' ? text.filter.or : text.filter.and}</span>
            )}
          </span>
          {isGroup(node) ? (
            <div className="filter-group" role="group" aria-label={text.filter.group}>
              <GroupRows {...props} group={node} depth={depth + 1} change={(next) => put(i, next)} />
            </div>
          ) : (
            <RuleInputs fields={fields} types={types} rule={node} change={(next) => put(i, next)} />
          )}
          <ActionIcon variant="subtle" color="gray" aria-label={text.filter.remove} onClick={() => drop(i)}>
            <X size={14} />
          </ActionIcon>
        </div>
      ))}
      <Group gap={4}>
        <Button variant="subtle" leftSection={<Plus size={14} />} onClick={addRule}>
          {text.filter.addRule}
        </Button>
        {depth < DEPTH_MAX && (
          <Button
            variant="subtle"
            color="gray"
            leftSection={<FolderPlus size={14} />}
            onClick={() => change({ ...group, filters: [...group.filters, { operator: 'or', filters: [] }] })}
          >
            {text.filter.addGroup}
          </Button>
        )}
      </Group>
    </>
  );
}

function RuleInputs(props: Shared & { rule: FilterRule; change: (rule: FilterRule) => void }) {
  const { rule, fields, types, change } = props;
  const field = fields.find((one) => one.slug === rule.column) ?? fields[0];
  if (!field) return null;
  const offered = operatorsOf(types, field);
  // A filter from elsewhere may ask more than is offered here.
  const operators = offered.includes(rule.operator) ? offered : [...offered, rule.operator];
  return (
    <div className="filter-rule">
      <Select
        size="xs"
        className="filter-column"
        aria-label={text.filter.column}
        searchable
        allowDeselect={false}
        data={fields.map((one) => ({ value: one.slug, label: one.name }))}
        value={rule.column}
        onChange={(slug) => {
          const next = fields.find((one) => one.slug === slug);
          if (next) change(newRule(next, operatorsOf(types, next)));
        }}
        comboboxProps={{ withinPortal: false }}
      />
      <Select
        size="xs"
        className="filter-operator"
        aria-label={text.filter.operator}
        allowDeselect={false}
        data={operators.map((one) => ({ value: one, label: text.operators[one] ?? one }))}
        value={rule.operator}
        onChange={(operator) => {
          if (!operator) return;
          const same = arityOf(operator) === arityOf(rule.operator);
          const value = same ? rule.value : field.fieldType === 'boolean' ? true : undefined;
          change({ ...rule, operator, value });
        }}
        comboboxProps={{ withinPortal: false }}
      />
      <ValueInput rule={rule} field={field} change={(value) => change({ ...rule, value })} />
    </div>
  );
}
