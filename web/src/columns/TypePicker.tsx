// Chooses a field type: by group, each with its sign and one sentence.
import { Badge, UnstyledButton } from '@mantine/core';
import { Check, ChevronDown } from 'lucide-react';
import type { FieldType } from '../api/wire';
import { kindOf } from '../fields/registry';
import { text } from '../text/en';

interface Props {
  types: FieldType[];
  value: string;
  open: boolean;
  setOpen: (open: boolean) => void;
  change: (id: string) => void;
  /** Why a type cannot be chosen, by its id. */
  refused?: ReadonlyMap<string, string>;
  /** A word beside a type. */
  mark?: { type: string; word: string };
}

export function TypePicker({ types, value, open, setOpen, change, refused, mark }: Props) {
  const chosen = types.find((one) => one.id === value);
  const Icon = kindOf(value).icon;
  const groups = [...new Set(types.map((one) => one.category))];
  return (
    <div>
      <div className="label" id="type-label">
        {text.columns.type}
      </div>
      <UnstyledButton
        className="type-chosen"
        aria-labelledby="type-label type-name"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {value !== '' && <Icon size={16} aria-hidden />}
        <span id="type-name">
          <strong>{chosen?.name ?? (value || text.columns.pickType)}</strong>
          <span className="type-description">{chosen?.description}</span>
        </span>
        <ChevronDown size={16} aria-hidden />
      </UnstyledButton>
      {open && (
        <div className="types" role="radiogroup" aria-labelledby="type-label">
          {groups.map((group) => (
            <div key={group} className="types-group">
              <h3>{text.categories[group] ?? group}</h3>
              <div className="types-grid">
                {types
                  .filter((one) => one.category === group)
                  .map((one) => {
                    const OneIcon = kindOf(one.id).icon;
                    const why = refused?.get(one.id);
                    return (
                      <UnstyledButton
                        key={one.id}
                        role="radio"
                        aria-checked={one.id === value}
                        aria-disabled={why !== undefined || undefined}
                        className="type"
                        onClick={() => {
                          if (why !== undefined) return;
                          change(one.id);
                          setOpen(false);
                        }}
                      >
                        <OneIcon size={16} aria-hidden />
                        <span>
                          <strong>
                            {one.name}
                            {mark?.type === one.id && (
                              <Badge ml={6} variant="light">
                                {mark.word}
                              </Badge>
                            )}
                          </strong>
                          <span className="type-description">{why ?? one.description}</span>
                        </span>
                        {one.id === value && <Check size={14} aria-hidden />}
                      </UnstyledButton>
                    );
                  })}
              </div>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
