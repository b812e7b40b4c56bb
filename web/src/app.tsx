// Which page is shown: the session gate first, then one route per page.
import { Center, Loader } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { Redirect, Route, Router, Switch } from 'wouter';
import { onSignedOut, setCsrfToken } from './api/http';
import { keys, queryClient, useSession } from './api/queries';
import { SetUpPage } from './pages/SetUpPage';
import { SignInPage } from './pages/SignInPage';
import { TablesPage } from './pages/TablesPage';
import { TablePage } from './pages/TablePage';
import { Shell } from './shell/Shell';
import './styles/grid.css';
import { text } from './text/en';
import { aroundNav } from './ui/leaving';
import { Empty, Failure, Loading, ToTables } from './ui/states';
import { Toasts } from './ui/toast';
import { Compass } from 'lucide-react';

const NewTablePage = lazy(() =>
  import('./pages/NewTablePage').then((m) => ({ default: m.NewTablePage })),
);
const ImportIntoPage = lazy(() => import('./pages/ImportPage').then((m) => ({ default: m.ImportIntoPage })));
const ImportPage = lazy(() => import('./pages/ImportPage').then((m) => ({ default: m.ImportPage })));
const ColumnsPage = lazy(() =>
  import('./pages/ColumnsPage').then((m) => ({ default: m.ColumnsPage })),
);
const TableSettingsPage = lazy(() => import('./pages/TableSettingsPage').then((m) => ({ default: m.TableSettingsPage })));
const DuplicatesPage = lazy(() => import('./pages/DuplicatesPage').then((m) => ({ default: m.DuplicatesPage })));
const FormsPage = lazy(() => import('./pages/FormsPage').then((m) => ({ default: m.FormsPage })));
const FormPage = lazy(() => import('./pages/FormPage').then((m) => ({ default: m.FormPage })));
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

export default function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Router aroundNav={aroundNav}>
        <Switch>
          <Route path="/setup" component={SetUpPage} />
          <Route component={SignedIn} />
        </Switch>
      </Router>
      <Toasts />
    </QueryClientProvider>
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
        <Loader size="sm" role="status" aria-label={text.common.loading} />
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
          <Route path="/t/:table/settings">{(p) => <TableSettingsPage key={p.table} table={p.table} />}</Route>
          <Route path="/t/:table/import">{(p) => <ImportIntoPage key={p.table} table={p.table} />}</Route>
          <Route path="/imports/:id">{(p) => <ImportPage key={p.id} id={p.id} />}</Route>
          <Route path="/t/:table/duplicates">{(p) => <DuplicatesPage key={p.table} table={p.table} />}</Route>
          <Route path="/t/:table/forms">{(p) => <FormsPage key={p.table} table={p.table} />}</Route>
          <Route path="/t/:table/forms/:form">{(p) => <FormPage key={`${p.table} ${p.form}`} table={p.table} form={p.form} />}</Route>
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
            >
              <ToTables />
            </Empty>
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
