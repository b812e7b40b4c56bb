// A page for admins: its title, what it is for, its buttons; whoever is none is told so and asks the server for nothing.
import { Text, Title } from '@mantine/core';
import { Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { mayAdminister } from '../api/queries';
import { useReach } from '../shell/Connection';
import { InWorkspace } from '../shell/here';
import { useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Empty } from './states';

interface HeadProps {
  title: string;
  about?: string;
  /** Whether it shows one workspace. */
  within?: boolean;
  children?: ReactNode;
}

export function PageHead({ title, about, within, children }: HeadProps) {
  return (
    <div className="page-head">
      <div>
        <Title order={1} size="h3">
          {title} {within && <InWorkspace />}
        </Title>
        {about && (
          <Text size="sm" c="dimmed">
            {about}
          </Text>
        )}
      </div>
      {children}
    </div>
  );
}

/** What of a page is for admins. */
export function AdminOnly({ why, children }: { why: string; children: ReactNode }) {
  if (mayAdminister(useMe())) return children;
  return <Empty icon={<Lock size={28} />} title={text.errors.forbidden} body={why} />;
}

/** Says that what is shown may be old while the server cannot be reached. */
export function OfflineNotice() {
  if (useReach() === 'online') return null;
  return <div className="notice">{text.errors.readOnlyOffline}</div>;
}
