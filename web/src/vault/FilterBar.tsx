// The filter and the order of the list of secrets.
import { Button, Select, TextInput } from '@mantine/core';
import { SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { words } from '../text/vault';
import { ALL, narrows, type Filter } from './filter';

const choices = (all: [string, string][]) => all.map(([value, label]) => ({ value, label }));

export function FilterBar({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const hidden = filter.name !== '' || filter.from !== '' || filter.until !== '' || filter.kind !== '';
  const [more, setMore] = useState(hidden);
  const set = (part: Partial<Filter>) => onChange({ ...filter, ...part });
  const pick = (label: string, field: 'state' | 'expiry' | 'kind' | 'order', all: [string, string][]) => (
    <Select
      size="xs"
      aria-label={label}
      allowDeselect={false}
      data={choices(all)}
      value={filter[field]}
      onChange={(value) => set({ [field]: value ?? '' })}
    />
  );
  const line = (label: string, field: 'name' | 'text' | 'from' | 'until', type?: string) => (
    <TextInput
      size="xs"
      type={type}
      label={label}
      autoComplete="off"
      value={filter[field]}
      onChange={(event) => set({ [field]: event.currentTarget.value })}
    />
  );
  return (
    <div className="vault-filter" role="search" aria-label={words.filter.label}>
      <div className="vault-filter-line">
        {pick(words.filter.state, 'state', words.filter.states)}
        {pick(words.filter.expiry, 'expiry', words.filter.expiries)}
        {pick(words.filter.order, 'order', words.filter.orders)}
        <Button variant="default" aria-expanded={more} leftSection={<SlidersHorizontal size={14} />} onClick={() => setMore(!more)}>
          {words.filter.more}
        </Button>
        {narrows(filter) && (
          <Button variant="subtle" onClick={() => onChange({ ...ALL, order: filter.order })}>
            {words.filter.clear}
          </Button>
        )}
      </div>
      {more && (
        <div className="vault-filter-line">
          {line(words.filter.name, 'name')}
          {line(words.filter.text, 'text')}
          {line(words.filter.from, 'from', 'date')}
          {line(words.filter.until, 'until', 'date')}
          <Select
            size="xs"
            label={words.filter.kind}
            allowDeselect={false}
            data={choices(words.filter.kinds)}
            value={filter.kind}
            onChange={(value) => set({ kind: value ?? '' })}
          />
        </div>
      )}
    </div>
  );
}
