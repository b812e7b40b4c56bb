// Which page is shown: the session gate first, then one route per page.
import { Center, Loader } from '@mantine/core';
import { lazy, Suspense, useEffect } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { onSignedOut, setCsrfToken } from './api/http';
import { keys, queryClient, useSession } from './api/queries';
import { SetUpPage } from './pages/SetUpPage';
import { SignInPage } from './pages/SignInPage';
import { TablesPage } from './pages/TablesPage';
import { TablePage } from './pages/TablePage';
import { Shell } from './shell/Shell';
import { text } from './text/en';
import { Empty, Failure, Loading } from './ui/states';
import { Toasts } from './ui/toast';
import { Compass } from 'lucide-react';

const NewTablePage = lazy(() =>
  import('./pages/NewTablePage').then((m) => ({ default: m.NewTablePage })),
);
const ImportPage = lazy(() => import('./pages/ImportPage').then((m) => ({ default: m.ImportPage })));
const ColumnsPage = lazy(() =>
  import('./pages/ColumnsPage').then((m) => ({ default: m.ColumnsPage })),
);
const TrashPage = lazy(() => import('./pages/TrashPage').then((m) => ({ default: m.TrashPage })));
const ActivityPage = lazy(() => import('./pages/ActivityPage').then((m) => ({ default: m.ActivityPage })));
const ApiKeysPage = lazy(() =>
  import('./pages/ApiKeysPage').then((m) => ({ default: m.ApiKeysPage })),
);
const UsersPage = lazy(() => import('./pages/UsersPage').then((m) => ({ default: m.UsersPage })));
const WebhooksPage = lazy(() => import('./pages/WebhooksPage').then((m) => ({ default: m.WebhooksPage })));
const JobsPage = lazy(() => import('./pages/JobsPage').then((m) => ({ default: m.JobsPage })));
const SettingsPage = lazy(() => import('./pages/SettingsPage').then((m) => ({ default: m.SettingsPage })));
const VaultPage = lazy(() => import('./pages/VaultPage').then((m) => ({ default: m.VaultPage })));

export function App() {
  return (
    <>
      <Switch>
        <Route path="/setup" component={SetUpPage} />
        <Route component={SignedIn} />
      </Switch>
      <Toasts />
    </>
  );
}

function SignedIn() {
  const session = useSession();
  useEffect(
    () =>
      onSignedOut(() => {
        setCsrfToken(null);
        queryClient.setQueryData(keys.session, null);
      }),
    [],
  );
  if (session.isPending) {
    return (
      <Center mih="100dvh">
        <Loader size="sm" aria-label={text.common.loading} />
      </Center>
    );
  }
  if (session.isError) {
    return (
      <main className="gate">
        <Failure error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  }
  if (!session.data) return <SignInPage />;
  return (
    <Shell session={session.data}>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/" component={TablesPage} />
          <Route path="/new" component={NewTablePage} />
          <Route path="/t/:table">{(p) => <TablePage key={p.table} table={p.table} />}</Route>
          <Route path="/t/:table/r/:record">
            {(p) => <TablePage key={p.table} table={p.table} record={p.record} />}
          </Route>
          <Route path="/t/:table/columns">{(p) => <ColumnsPage table={p.table} />}</Route>
          <Route path="/t/:table/import">{(p) => <ImportPage table={p.table} />}</Route>
          <Route path="/t/:table/trash">{(p) => <TrashPage key={p.table} table={p.table} />}</Route>
          <Route path="/trash">{() => <TrashPage />}</Route>
          <Route path="/activity" component={ActivityPage} />
          <Route path="/vault/*?">{(p) => <VaultPage part={p['*'] ?? ''} />}</Route>
          <Route path="/keys" component={ApiKeysPage} />
          <Route path="/users" component={UsersPage} />
          <Route path="/webhooks/:id?">{(p) => <WebhooksPage id={p.id} />}</Route>
          <Route path="/jobs" component={JobsPage} />
          <Route path="/settings/*?">{(p) => <SettingsPage part={p['*'] ?? ''} />}</Route>
          <Route path="/signin">{() => <Redirect to="/" />}</Route>
          <Route>
            <Empty
              alone
              icon={<Compass size={28} />}
              title={text.errors.noPage}
              body={text.errors.noPageBody}
            />
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
