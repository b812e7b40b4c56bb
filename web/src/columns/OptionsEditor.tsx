// The choices of a select column: names, colours, order by drag or by buttons.
import { ActionIcon, Button, Menu, TextInput } from '@mantine/core';
import { ArrowDown, ArrowUp, GripVertical, Plus, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { text } from '../text/en';
import { COLORS, paletteColor } from '../ui/TableMark';
import { moved, useDragList } from '../ui/dragList';

export interface DraftOption {
  key: string;
  id?: string;
  name: string;
  color?: string | null;
}

export function OptionsEditor({ options, change }: { options: DraftOption[]; change: (options: DraftOption[]) => void }) {
  const next = useRef(0);
  const list = useRef<HTMLUListElement>(null);
  const [focusLast, setFocusLast] = useState(false);
  const drag = useDragList((from, to) => change(moved(options, from, to)));
  const put = (i: number, part: Partial<DraftOption>) =>
    change(options.map((old, j) => (i === j ? { ...old, ...part } : old)));
  const add = () => {
    next.current++;
    const color = COLORS[(options.length + 6) % COLORS.length];
    change([...options, { key: `new-${next.current}`, name: '', color }]);
    setFocusLast(true);
  };
  return (
    <fieldset className="options">
      <legend>{text.columns.options}</legend>
      <ul ref={list}>
        {options.map((option, i) => (
          <li key={option.key} {...drag.item(i)}>
            <span className="grip" {...drag.grip(i)} aria-hidden>
              <GripVertical size={14} />
            </span>
            <Menu>
              <Menu.Target>
                <button type="button" className="swatch" data-color={paletteColor(option.color)} aria-label={text.columns.colorOf(option.name || String(i + 1))} />
              </Menu.Target>
              <Menu.Dropdown>
                {COLORS.map((color) => (
                  <Menu.Item
                    key={color}
                    leftSection={<span className="swatch" data-color={color} />}
                    onClick={() => put(i, { color })}
                  >
                    {text.colors[color]}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
            <TextInput
              size="xs"
              className="grow"
              aria-label={text.columns.optionName(i + 1)}
              autoFocus={focusLast && i === options.length - 1}
              value={option.name}
              onChange={(event) => put(i, { name: event.currentTarget.value })}
              onKeyDown={(event) => {
                if (event.key !== 'Enter') return;
                event.preventDefault();
                if (i === options.length - 1) add();
              }}
            />
            <ActionIcon variant="subtle" color="gray" aria-label={text.columns.up(option.name)} disabled={i === 0} onClick={() => change(moved(options, i, i - 1))}>
              <ArrowUp size={14} />
            </ActionIcon>
            <ActionIcon variant="subtle" color="gray" aria-label={text.columns.down(option.name)} disabled={i === options.length - 1} onClick={() => change(moved(options, i, i + 1))}>
              <ArrowDown size={14} />
            </ActionIcon>
            <ActionIcon variant="subtle" color="gray" aria-label={text.columns.removeOption(option.name)} onClick={() => change(options.filter((_, j) => j !== i))}>
              <X size={14} />
            </ActionIcon>
          </li>
        ))}
      </ul>
      <Button variant="subtle" leftSection={<Plus size={14} />} onClick={add}>
        {text.columns.addOption}
      </Button>
    </fieldset>
  );
}
