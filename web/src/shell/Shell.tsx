// The frame around every signed-in page: navigation, breadcrumb, connection, theme, help.
import { ActionIcon, Anchor, Button, Drawer, Kbd, Menu, Tooltip, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  BookOpen, CircleHelp, History, KeyRound, ListChecks, LogOut, Menu as MenuIcon, Monitor, Moon, Plus, Search, Settings, Sun, Table2,
  Trash2, UserRound, Users, Vault, Webhook,
} from 'lucide-react';
import { useMantineColorScheme } from '@mantine/core';
import { createContext, lazy, Suspense, use, useEffect, useState, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { Link, useLocation } from 'wouter';
import { isHeld, useMayMakeTables } from '../access/rights';
import { auth } from '../api/endpoints';
import { setCsrfToken } from '../api/http';
import { addressOf, tablePath } from '../api/places';
import { keys, mayAdminister, queryClient, useTables } from '../api/queries';
import type { Session } from '../api/wire';
import { text } from '../text/en';
import { messageOf } from '../ui/states';
import { showError } from '../ui/toast';
import { TableMark } from '../ui/TableMark';
import { Connection } from './Connection';
import { Help, mac } from './Help';
import { HereProvider, Switcher, tableIn } from './here';
import { Logo } from './Logo';
import { Palette } from './Palette';
import { useRegions } from './regions';
import { StrayFiles } from './StrayFiles';

const SessionContext = createContext<Session | null>(null);

/** The person at the page. Only inside the shell. */
export function useMe(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('useMe outside the shell');
  return session;
}

export function Shell({ session, children }: { session: Session; children: ReactNode }) {
  const [menu, menuActions] = useDisclosure(false);
  const [help, helpActions] = useDisclosure(false);
  const [palette, paletteActions] = useDisclosure(false);
  const [location] = useLocation();
  useEffect(() => menuActions.close(), [location]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== 'k') return;
      event.preventDefault();
      // Going elsewhere would lose what is typed in a dialog.
      if (!document.querySelector('[role=dialog]')) paletteActions.open();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [paletteActions]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== '?' || event.defaultPrevented || target.closest('input, textarea, select, [role=dialog]')) return;
      helpActions.open();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [helpActions]);
  useRegions();
  const nav = <Navigation session={session} />;
  return (
    <SessionContext value={session}>
      <HereProvider>
        <StrayFiles />
        <a className="skip" href="#main">
          {text.shell.skip}
        </a>
        <div className="shell">
          <nav className="side" aria-label={text.shell.navigation}>
            {nav}
          </nav>
          <div className="frame">
            <header className="top">
              <ActionIcon
                className="side-toggle"
                variant="subtle"
                color="gray"
                aria-label={text.shell.openMenu}
                onClick={menuActions.open}
              >
                <MenuIcon size={18} />
              </ActionIcon>
              <div id="crumbs" className="crumbs" />
              <button type="button" className="go-to" aria-haspopup="dialog" title={text.palette.open} onClick={paletteActions.open}>
                <Search size={15} aria-hidden />
                <span className="go-to-label">{text.palette.title}…</span>
                <Kbd size="xs" className="go-to-label">
                  {mac ? '⌘' : 'Ctrl'} K
                </Kbd>
              </button>
              <Connection />
              <ThemeMenu />
              <Tooltip label={text.help.open}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={text.help.open}
                  onClick={helpActions.open}
                >
                  <CircleHelp size={18} />
                </ActionIcon>
              </Tooltip>
              <UserMenu session={session} />
            </header>
            <main id="main" tabIndex={-1}>
              {children}
            </main>
          </div>
        </div>
        <Drawer
          opened={menu}
          onClose={menuActions.close}
          size={264}
          title={text.shell.navigation}
        >
          <div className="side-inner">{nav}</div>
        </Drawer>
        <Help opened={help} close={helpActions.close} />
        {palette && <Palette session={session} close={paletteActions.close} />}
      </HereProvider>
    </SessionContext>
  );
}

function NavItem(props: { to: string; icon: ReactNode; label: string; active?: boolean }) {
  const [location] = useLocation();
  const active = props.active ?? location === props.to;
  return (
    <Link to={props.to} className="nav-item" aria-current={active ? 'page' : undefined}>
      <span className="nav-icon" aria-hidden>
        {props.icon}
      </span>
      <span className="nav-label">{props.label}</span>
    </Link>
  );
}

function Navigation({ session }: { session: Session }) {
  const tables = useTables();
  const [location] = useLocation();
  const mayMake = useMayMakeTables();
  const current = tableIn(location);
  return (
    <>
        <Link to="/" className="brand" aria-label={text.shell.home}>
          <Logo /> <span>{text.product}</span>
        </Link>
        <div className="nav-section">
          <Switcher session={session} />
          <NavItem to="/" icon={<Table2 size={16} />} label={text.nav.tables} />
          <div className="nav-tables">
            {tables.data?.map((table) => (
              <NavItem
                key={table.id}
                to={tablePath(table)}
                icon={<TableMark table={table} size={16} />}
                label={table.name}
                active={current === addressOf(table) || current === table.id}
              />
            ))}
          </div>
          {mayMake && (
            <Link to="/new" className="nav-item nav-new">
              <span className="nav-icon" aria-hidden>
                <Plus size={16} />
              </span>
              <span className="nav-label">{text.nav.newTable}</span>
            </Link>
          )}
        </div>
        <div className="nav-section nav-bottom">
          <NavItem
            to="/vault"
            icon={<Vault size={16} />}
            label={text.nav.vault}
            active={/^\/vault(\/|$)/.test(location)}
          />
          {!isHeld(session) && (
            <>
              <NavItem to="/activity" icon={<History size={16} />} label={text.nav.activity} />
              <NavItem to="/jobs" icon={<ListChecks size={16} />} label={text.nav.jobs} />
            </>
          )}
          <NavItem to="/trash" icon={<Trash2 size={16} />} label={text.nav.trash} />
          {mayAdminister(session) && (
            <>
              <NavItem to="/users" icon={<Users size={16} />} label={text.nav.users} />
              <NavItem to="/keys" icon={<KeyRound size={16} />} label={text.nav.apiKeys} />
              <NavItem
                to="/webhooks"
                icon={<Webhook size={16} />}
                label={text.nav.webhooks}
                active={/^\/webhooks(\/|$)/.test(location)}
              />
            </>
          )}
          <NavItem
            to="/settings"
            icon={<Settings size={16} />}
            label={text.nav.settings}
            active={/^\/settings(\/|$)/.test(location)}
          />
          <a className="nav-item" href="/api/docs" target="_blank" rel="noopener">
            <span className="nav-icon" aria-hidden>
              <BookOpen size={16} />
            </span>
            <span className="nav-label">
              {text.nav.apiReference}
              <VisuallyHidden> {text.shell.newTab}</VisuallyHidden>
            </span>
          </a>
        </div>
    </>
  );
}

function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const icon =
    colorScheme === 'dark' ? <Moon size={18} /> : colorScheme === 'light' ? <Sun size={18} /> : <Monitor size={18} />;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={text.shell.theme}>
          {icon}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Monitor size={14} />} onClick={() => setColorScheme('auto')}>
          {text.shell.themeAuto}
        </Menu.Item>
        <Menu.Item leftSection={<Sun size={14} />} onClick={() => setColorScheme('light')}>
          {text.shell.themeLight}
        </Menu.Item>
        <Menu.Item leftSection={<Moon size={14} />} onClick={() => setColorScheme('dark')}>
          {text.shell.themeDark}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const OwnPassword = lazy(() => import('../users/OwnPassword').then((m) => ({ default: m.OwnPassword })));

function UserMenu({ session }: { session: Session }) {
  const [changing, setChanging] = useState(false);
  const [, navigate] = useLocation();
  const leave = async () => {
    try {
      await auth.logout();
    } catch (error) {
      showError(messageOf(error));
      return;
    }
    // Whoever signs in next begins at the start, and does not see where somebody else was.
    navigate('/');
    setCsrfToken(null);
    queryClient.setQueryData(keys.session, null);
    queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] });
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            px={6}
            leftSection={<UserRound size={16} aria-hidden />}
            aria-label={text.shell.account(session.user.name)}
          >
            <span className="user-name">{session.user.name}</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {session.user.email} · {text.roles[session.user.role] ?? session.user.role}
          </Menu.Label>
          <Menu.Item leftSection={<KeyRound size={14} />} onClick={() => setChanging(true)}>
            {text.auth.changePassword}
          </Menu.Item>
          <Menu.Item leftSection={<LogOut size={14} />} onClick={() => void leave()}>
            {text.auth.signOut}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {changing && (
        <Suspense fallback={null}>
          <OwnPassword user={session.user} close={() => setChanging(false)} />
        </Suspense>
      )}
    </>
  );
}

export interface Crumb {
  label: string;
  to?: string;
}

/** Shows where the page is, in the shell's header, and names the browser tab. */
export function Crumbs({ trail }: { trail: Crumb[] }) {
  const [target, setTarget] = useState<HTMLElement | null>(null);
  useEffect(() => setTarget(document.getElementById('crumbs')), []);
  const title = trail.map((crumb) => crumb.label).reverse().join(' · ');
  useEffect(() => {
    document.title = title ? `${title} · ${text.product}` : text.product;
  }, [title]);
  if (!target) return null;
  return createPortal(
    <nav aria-label={text.shell.breadcrumb}>
      <ol>
        {trail.map((crumb, i) => (
          <li key={i} aria-current={i === trail.length - 1 ? 'page' : undefined}>
            {crumb.to && i < trail.length - 1 ? (
              <Anchor component={Link} to={crumb.to} c="dimmed" fz="sm">
                {crumb.label}
              </Anchor>
            ) : (
              <span>{crumb.label}</span>
            )}
          </li>
        ))}
      </ol>
    </nav>,
    target,
  );
}
