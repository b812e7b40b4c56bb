// Which workspace the page shows: that of the table or the import in the address, otherwise the one that was chosen last in this browser.
// Asks for no table: the page that shows one does.
import { Menu } from '@mantine/core';
import { Boxes, ChevronsUpDown, Settings2 } from 'lucide-react';
import { use, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useLocation, useSearch } from 'wouter';
import { mayAdminister, useTable, useWorkspaces } from '../api/queries';
import { DEFAULT_WORKSPACE, HereContext, type Here } from '../api/places';
import type { Session, Workspace } from '../api/wire';
import { text } from '../text/en';

const REMEMBERED = 'chancery-workspace';
/** Pages that are about something in one workspace: in another one there is nothing like it. */
const BOUND = /^\/(t|imports|webhooks)\/./;

/** The table in an address of the page, as it is called there. */
export function tableIn(location: string): string | undefined {
  const found = /^\/t\/([^/]+)/.exec(location)?.[1];
  return found === undefined ? undefined : decodeURIComponent(found);
}

/** A browser may keep nothing: then it is chosen anew. */
function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function remember(workspace: string): void {
  try {
    localStorage.setItem(REMEMBERED, workspace);
  } catch {
    // It holds until the page is left.
  }
}

/** The chosen one, if it may be seen, or the default one, or the first there is. */
function shownOf(all: Workspace[], chosen: string | null): string {
  const wanted = [chosen, DEFAULT_WORKSPACE].find((id) => all.some((one) => one.id === id));
  return wanted ?? all[0]?.id ?? DEFAULT_WORKSPACE;
}

export function HereProvider({ children }: { children: ReactNode }) {
  const places = useWorkspaces();
  const [location] = useLocation();
  const search = useSearch();
  const [chosen, setChosen] = useState(remembered);
  const address = tableIn(location);
  const table = useTable(address ?? '', false);
  const ofImport = location.startsWith('/imports/') ? (new URLSearchParams(search).get('workspace') ?? DEFAULT_WORKSPACE) : undefined;
  const bound = address === undefined ? ofImport : table.data?.workspaceId;
  const choose = useCallback((workspace: string) => {
    remember(workspace);
    setChosen(workspace);
  }, []);
  useEffect(() => {
    if (bound !== undefined) choose(bound);
  }, [bound, choose]);
  const workspace = bound ?? shownOf(places.data ?? [], chosen);
  const known = bound !== undefined || (!places.isPending && (address === undefined || !table.isPending));
  const here = useMemo<Here>(() => ({ workspace, known, choose }), [workspace, known, choose]);
  return <HereContext value={here}>{children}</HereContext>;
}

/** Above the list of tables, where there is more than one workspace to choose from. */
export function Switcher({ session }: { session: Session }) {
  const places = useWorkspaces().data ?? [];
  const { workspace: here, choose } = use(HereContext);
  const [location, navigate] = useLocation();
  if (places.length < 2) return null;
  const name = places.find((one) => one.id === here)?.name ?? '';
  const go = (workspace: string) => {
    if (BOUND.test(location)) navigate('/');
    choose(workspace);
  };
  return (
    <Menu position="bottom-start" width={232}>
      <Menu.Target>
        <button type="button" className="nav-item nav-place" aria-label={text.places.of(name)}>
          <span className="nav-icon" aria-hidden>
            <Boxes size={16} />
          </span>
          <span className="nav-label">{name}</span>
          <ChevronsUpDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{text.places.title}</Menu.Label>
        <Menu.RadioGroup value={here} onChange={go}>
          {places.map((one) => (
            <Menu.RadioItem key={one.id} value={one.id} closeMenuOnClick>
              {one.name}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        {mayAdminister(session) && (
          <>
            <Menu.Divider />
            <Menu.Item leftSection={<Settings2 size={14} />} onClick={() => navigate('/settings/workspaces')}>
              {text.places.manage}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Beside the title of a page that shows one workspace; nothing where there is no other. */
export function InWorkspace() {
  const places = useWorkspaces().data ?? [];
  const { workspace, known } = use(HereContext);
  const name = places.find((one) => one.id === workspace)?.name;
  if (!known || places.length < 2 || name === undefined) return null;
  return <span className="in-place">{text.places.within(name)}</span>;
}
