// Export of a table: format, which columns, with or without the current filter and order.
import { Button, Checkbox, Group, Modal, Radio, Stack } from '@mantine/core';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { exports } from '../api/endpoints';
import { saveFile } from '../api/http';
import type { Column, FilterNode, Table } from '../api/wire';
import { effective } from '../filter/model';
import { text } from '../text/en';
import { Problem } from '../ui/states';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import type { View } from './model';

export function ExportDialog(props: {
  table: Table;
  columns: Column[];
  view: View;
  only?: FilterNode;
  close: () => void;
}) {
  const { table, columns, view, close, only } = props;
  const [format, setFormat] = useState<'csv' | 'json'>('csv');
  const [visibleOnly, setVisibleOnly] = useState(false);
  const [current, setCurrent] = useState(true);
  const [escape, setEscape] = useState(true);
  const { busy, error, work } = useWork();
  const filter = only ?? effective(view.filter);
  const narrowed = Boolean(filter) || view.sort.length > 0 || view.search !== '';
  const run = async () => {
    const params = new URLSearchParams();
    if (current || only) {
      if (filter) params.set('filter', JSON.stringify(filter));
      if (view.sort.length > 0) params.set('sort', JSON.stringify(view.sort));
      if (view.search !== '' && !only) params.set('search', view.search);
    }
    if (format === 'csv') {
      if (visibleOnly) {
        params.set('columns', columns.filter((one) => one.isVisible !== false).map((one) => one.slug).join(','));
      }
      params.set('escape', escape ? 'formula' : 'none');
      params.set('header', 'names');
    }
    saveFile(await exports.file(table.slug, format, params), `${table.slug}.${format}`);
    show(text.exports.done);
    close();
  };
  return (
    <Modal opened onClose={close} title={text.exports.title}>
      <Stack gap="md">
        <Radio.Group label={text.exports.format} value={format} onChange={(value) => setFormat(value as 'csv' | 'json')}>
          <Stack gap="xs" mt={6}>
            <Radio size="sm" value="csv" label={text.exports.csv} description={text.exports.csvBody} />
            {!only && <Radio size="sm" value="json" label={text.exports.json} description={text.exports.jsonBody} />}
          </Stack>
        </Radio.Group>
        {narrowed && !only && (
          <Checkbox size="sm" label={text.exports.current} checked={current} onChange={(event) => setCurrent(event.currentTarget.checked)} />
        )}
        {format === 'csv' && (
          <Stack gap="xs">
            <Checkbox size="sm" label={text.exports.visibleOnly} checked={visibleOnly} onChange={(event) => setVisibleOnly(event.currentTarget.checked)} />
            <Checkbox size="sm" label={text.exports.escape} description={text.exports.escapeBody} checked={escape} onChange={(event) => setEscape(event.currentTarget.checked)} />
          </Stack>
        )}
        <Problem error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {text.common.cancel}
          </Button>
          <Button loading={busy} leftSection={<Download size={14} />} onClick={() => void work(run)}>
            {text.exports.run}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
