// How a column that is there keeps its values, and the ways to change that. The work itself is a job of the vault.
import { Button, Group, Text } from '@mantine/core';
import { mayAdminister, useSession } from '../api/queries';
import type { Column, ColumnJobKind, FieldType } from '../api/wire';
import { text } from '../text/en';
import { jobsOn } from './encryption';

interface Props {
  column: Column;
  types: FieldType[];
  /** Whether something was changed that leaving would lose. */
  dirty: boolean;
  start: (kind: ColumnJobKind) => void;
}

export function ColumnJobButtons({ column, types, dirty, start }: Props) {
  const kinds = mayAdminister(useSession().data) ? jobsOn(column, types) : [];
  const { encrypted } = column;
  if (!encrypted && kinds.length === 0) return null;
  return (
    <div>
      <div className="label">{text.columns.encryption}</div>
      <Text size="sm" c="dimmed">
        {encrypted ? text.columns.veiled(text.columns.shownMasks[encrypted.mask ?? 'full'], encrypted.indexed ?? false) : text.columns.readable}
      </Text>
      {kinds.length > 0 && (
        <Group gap="xs" mt={6}>
          {kinds.map((kind) => (
            <Button
              key={kind}
              size="compact-sm"
              variant={kind === 'decryptColumn' ? 'outline' : 'default'}
              color={kind === 'decryptColumn' ? 'red' : undefined}
              disabled={dirty}
              onClick={() => start(kind)}
            >
              {text.columns.jobs[kind]}
            </Button>
          ))}
          {dirty && (
            <Text size="xs" c="dimmed">
              {text.columns.saveFirst}
            </Text>
          )}
        </Group>
      )}
    </div>
  );
}
