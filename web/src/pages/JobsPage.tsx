// Long work of the server: jobs, which can be paused, resumed and called off, and what was imported lately.
import { Button, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { mayAdminister, keys } from '../api/queries';
import { vault } from '../api/vault';
import { RecentImports } from '../imports/RecentImports';
import { InWorkspace } from '../shell/here';
import { Crumbs, useMe } from '../shell/Shell';
import { words } from '../text/admin';
import { text } from '../text/en';
import { AdminOnly, OfflineNotice, PageHead } from '../ui/AdminOnly';
import { Jobs } from '../vault/Jobs';
import { NotForYou } from '../ui/NotForYou';
import { isHeld, mayImport } from '../access/rights';
import { StartJob, type Draft } from '../vault/StartJob';

export function JobsPage() {
  const me = useMe();
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.jobs }]} />
        <PageHead title={text.nav.jobs} about={words.jobs.about}>
          {mayImport(me) && (
            <Button component={Link} to="/new?from=file" variant="default" leftSection={<FileUp size={14} />}>
              {words.jobs.fromFile}
            </Button>
          )}
        </PageHead>
        <section className="page-section">
          <Title order={2} size="h4" mb="xs">
            {words.jobs.imports} <InWorkspace />
          </Title>
          {isHeld(me) ? <NotForYou /> : <RecentImports />}
        </section>
        <section className="page-section">
          <Title order={2} size="h4" mb="xs">
            {words.jobs.jobs}
          </Title>
          <AdminOnly why={words.jobs.adminsOnly}>{mayAdminister(me) && <AllJobs />}</AdminOnly>
        </section>
      </div>
    </>
  );
}

function AllJobs() {
  const [starting, setStarting] = useState<{ draft?: Draft } | null>(null);
  const status = useQuery({ queryKey: [...keys.vault, 'status'], queryFn: vault.status, retry: false });
  return (
    <>
      <Jobs sealed={status.data?.sealed ?? false} start={(draft) => setStarting({ draft })} />
      {starting && <StartJob draft={starting.draft} close={() => setStarting(null)} />}
    </>
  );
}
