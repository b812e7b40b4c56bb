// What a form asks for: chosen, put in order by drag or by arrows, named, explained, required. Judges nothing.
import { ActionIcon, Button, Checkbox, Group, TextInput, VisuallyHidden } from '@mantine/core';
import { ArrowDown, ArrowUp, GripVertical, Plus, X } from 'lucide-react';
import { useState } from 'react';
import type { FormField } from '../api/formWire';
import type { Column, Table } from '../api/wire';
import { kindOfColumn } from '../fields/registry';
import { words } from '../text/forms';
import { moved, useDragList } from '../ui/dragList';
import { askable } from './draft';

interface Props {
  table: Table;
  columns: Column[];
  fields: FormField[];
  change: (fields: FormField[]) => void;
  /** What the server said of a field, by its place. */
  errors: Record<number, string>;
}

const w = words.edit_;
const itemId = (slug: string) => `form-field-${slug}`;
const focus = (selector: string) => setTimeout(() => document.querySelector<HTMLElement>(selector)?.focus());

export function FieldList({ table, columns, fields, change, errors }: Props) {
  const [said, setSaid] = useState('');
  const nameOf = (slug: string) => columns.find((one) => one.slug === slug)?.name ?? slug;
  const move = (from: number, to: number) => {
    const slug = fields[from]?.column;
    if (slug === undefined) return;
    change(moved(fields, from, to));
    setSaid(w.movedTo(nameOf(slug), to + 1));
    // At an end the button that was pressed works no more: the other one takes the focus.
    if (to === 0) focus(`#${CSS.escape(itemId(slug))} .form-down`);
    if (to === fields.length - 1) focus(`#${CSS.escape(itemId(slug))} .form-up`);
  };
  const drag = useDragList(move);
  const put = (i: number, field: FormField) => change(fields.map((old, j) => (i === j ? field : old)));
  const drop = (i: number) => {
    const slug = fields[i]?.column ?? '';
    change(fields.filter((_, j) => j !== i));
    setSaid(w.dropped(nameOf(slug)));
    focus(`[data-take="${CSS.escape(slug)}"]`);
  };
  const take = (column: Column) => {
    change([...fields, { column: column.slug, required: false }]);
    setSaid(w.taken(column.name));
    focus(`#${CSS.escape(itemId(column.slug))} input`);
  };
  const left = columns.filter((column) => askable(column, table) && !fields.some((field) => field.column === column.slug));
  const cannot = columns.filter((column) => !askable(column, table)).map((column) => column.name);
  return (
    <>
      <ul className="form-field-list">
        {fields.map((field, i) => {
          const column = columns.find((one) => one.slug === field.column);
          const name = nameOf(field.column);
          const Icon = column && kindOfColumn(column).icon;
          const byColumn = column?.validation.required === true;
          return (
            <li key={field.column} id={itemId(field.column)} data-field={field.column} {...drag.item(i)}>
              <span className="grip" {...drag.grip(i)} aria-hidden>
                <GripVertical size={16} />
              </span>
              <div className="form-field">
                <div className="form-field-line">
                  <span className="with-icon form-field-name">
                    {Icon && <Icon size={14} aria-hidden className="head-icon" />} {name}
                  </span>
                  <Checkbox
                    size="xs"
                    label={w.required}
                    aria-label={w.requiredOf(name)}
                    title={byColumn ? w.byColumn : undefined}
                    disabled={byColumn}
                    checked={byColumn || field.required === true}
                    onChange={(event) => put(i, { ...field, required: event.currentTarget.checked })}
                  />
                  <Group gap={0} wrap="nowrap">
                    <ActionIcon className="form-up" variant="subtle" color="gray" aria-label={w.up(name)} disabled={i === 0} onClick={() => move(i, i - 1)}>
                      <ArrowUp size={15} />
                    </ActionIcon>
                    <ActionIcon className="form-down" variant="subtle" color="gray" aria-label={w.down(name)} disabled={i === fields.length - 1} onClick={() => move(i, i + 1)}>
                      <ArrowDown size={15} />
                    </ActionIcon>
                    <ActionIcon variant="subtle" color="gray" aria-label={w.drop(name)} onClick={() => drop(i)}>
                      <X size={15} />
                    </ActionIcon>
                  </Group>
                </div>
                <div className="form-field-words">
                  <TextInput
                    size="xs"
                    aria-label={w.labelOf(name)}
                    placeholder={`${w.label}: ${name}`}
                    value={field.label ?? ''}
                    onChange={(event) => put(i, { ...field, label: event.currentTarget.value })}
                  />
                  <TextInput
                    size="xs"
                    aria-label={w.helpOf(name)}
                    placeholder={w.help}
                    value={field.help ?? ''}
                    onChange={(event) => put(i, { ...field, help: event.currentTarget.value })}
                  />
                </div>
                {errors[i] && (
                  <div className="field-error" role="alert">
                    {errors[i]}
                  </div>
                )}
              </div>
            </li>
          );
        })}
      </ul>
      {left.length > 0 && (
        <Group gap={6} mt="xs" role="group" aria-label={w.more}>
          <span className="dimmed">{w.more}</span>
          {left.map((column) => (
            <Button key={column.id} size="compact-xs" variant="default" leftSection={<Plus size={12} />} data-take={column.slug} aria-label={w.take(column.name)} onClick={() => take(column)}>
              {column.name}
            </Button>
          ))}
        </Group>
      )}
      {cannot.length > 0 && <p className="hint">{w.cannot(cannot.join(', '))}</p>}
      <VisuallyHidden aria-live="polite">{said}</VisuallyHidden>
    </>
  );
}
