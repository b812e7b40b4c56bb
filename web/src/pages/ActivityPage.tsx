// What was done, newest first, each as a unit that can be taken back after looking at what that would do.
import { Button, Group, Select, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { History } from 'lucide-react';
import { useState } from 'react';
import { isHeld } from '../access/rights';
import { history as api } from '../api/endpoints';
import { useWorkspace } from '../api/places';
import { keys, useTables } from '../api/queries';
import { InWorkspace } from '../shell/here';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Operations } from '../ui/Operations';
import { PageHead } from '../ui/AdminOnly';
import { NotForYou } from '../ui/NotForYou';
import { Empty, Failure, Loading } from '../ui/states';

/** How often the page looks what others did meanwhile. */
const ASK_AGAIN_MS = 5_000;

export function ActivityPage() {
  const workspace = useWorkspace();
  if (!isHeld(useMe())) return <All key={workspace} />;
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.activity }]} />
      <PageHead title={text.nav.activity} />
      <NotForYou />
    </div>
  );
}

function All() {
  const tables = useTables();
  const workspace = useWorkspace();
  const [table, setTable] = useState<string | null>(null);
  const found = useInfiniteQuery({
    queryKey: [...keys.operations, workspace, table],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => api.operations(workspace, table ?? undefined, pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
    refetchOnMount: 'always',
    refetchInterval: ASK_AGAIN_MS,
  });
  const operations = found.data?.pages.flatMap((page) => page.operations) ?? [];
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.activity }]} />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.nav.activity} <InWorkspace />
        </Title>
        <Select
          size="xs"
          w={240}
          clearable
          searchable
          aria-label={text.activity.table}
          placeholder={text.activity.allTables}
          clearButtonProps={{ 'aria-label': text.common.clear }}
          data={(tables.data ?? []).map((one) => ({ value: one.slug, label: one.name }))}
          value={table}
          onChange={setTable}
        />
      </div>
      {found.isPending && <Loading />}
      {found.isError && <Failure error={found.error} retry={() => void found.refetch()} />}
      {found.data && operations.length === 0 && !found.hasNextPage && (
        <Empty icon={<History size={28} />} title={text.activity.empty} body={text.activity.emptyBody} />
      )}
      {operations.length > 0 && <Operations operations={operations} />}
      {found.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {text.common.more}
          </Button>
        </Group>
      )}
    </div>
  );
}
