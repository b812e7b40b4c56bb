// The states every page shares: loading, failed, forbidden, empty. Holds no page of its own.
import { Button, Code, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { CircleAlert, CloudOff, Lock } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { ApiError } from '../api/http';
import { text } from '../text/en';

const SKELETON_AFTER_MS = 150;

/** Grey bars, shown only when loading takes long enough to notice. */
export function Loading({ rows = 8, height = 28 }: { rows?: number; height?: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={text.common.loading} className="loading">
      {late && (
        <Stack gap="xs" aria-hidden>
          {Array.from({ length: rows }, (_, i) => (
            <Skeleton key={i} height={height} radius="sm" />
          ))}
        </Stack>
      )}
    </div>
  );
}

export function Empty(props: {
  icon: ReactNode;
  title: string;
  body?: string;
  children?: ReactNode;
  /** Whether it is all there is: then its title is the page's. */
  alone?: boolean;
}) {
  return (
    <div className="blank">
      <div className="blank-icon" aria-hidden>
        {props.icon}
      </div>
      <Title order={props.alone ? 1 : 2} size="h4">
        {props.title}
      </Title>
      {props.body && (
        <Text c="dimmed" size="sm" maw={460}>
          {props.body}
        </Text>
      )}
      {props.children && (
        <Group justify="center" gap="xs" mt="xs">
          {props.children}
        </Group>
      )}
    </div>
  );
}

function iconOf(error: unknown): ReactNode {
  if (error instanceof ApiError && error.offline) return <CloudOff size={28} />;
  if (error instanceof ApiError && error.status === 403) return <Lock size={28} />;
  return <CircleAlert size={28} />;
}

function titleOf(error: unknown): string {
  if (!(error instanceof ApiError)) return text.errors.unexpected;
  if (error.offline) return text.errors.offlineTitle;
  if (error.status === 403) return text.errors.forbidden;
  if (error.status === 404 || error.status === 410) return text.errors.notFound;
  return text.errors.failed;
}

/** Where to go on from a page that shows nothing else. */
export function ToTables() {
  return (
    <Button variant="default" component={Link} to="/">
      {text.errors.toTables}
    </Button>
  );
}

interface FailureProps {
  error: unknown;
  retry?: () => void;
  alone?: boolean;
  /** Beside trying again, where what failed is the whole page. */
  wayOn?: ReactNode;
}

/** A request failed: what happened, how to name it to somebody, and a way on. */
export function Failure({ error, retry, alone, wayOn }: FailureProps) {
  const api = error instanceof ApiError ? error : null;
  const body = api?.offline ? text.errors.offlineBody : messageOf(error);
  const hint = api?.hint ?? (alone && api?.status === 404 ? text.errors.noTableBody : null);
  return (
    <div role="alert">
      <Empty icon={iconOf(error)} title={titleOf(error)} body={body} alone={alone}>
        <Stack gap="sm" align="center">
          {hint && <Text size="sm">{hint}</Text>}
          {api?.requestId && (
            <Text size="xs" c="dimmed">
              {text.errors.requestId} <Code>{api.requestId}</Code>
            </Text>
          )}
          {(retry || wayOn) && (
            <Group justify="center" gap="xs">
              {retry && (
                <Button variant="default" onClick={retry}>
                  {text.common.retry}
                </Button>
              )}
              {wayOn}
            </Group>
          )}
        </Stack>
      </Empty>
    </div>
  );
}

/** A failure inside a form or dialog: one compact box. */
export function Problem({ error }: { error: unknown }) {
  if (!error) return null;
  const api = error instanceof ApiError ? error : null;
  return (
    <div className="problem" role="alert">
      <CircleAlert size={16} aria-hidden />
      <div>
        <div>{messageOf(error)}</div>
        {api?.issues
          .filter((issue) => issue.message !== messageOf(error))
          .slice(0, 8)
          .map((issue, i) => (
            <div key={i} className="problem-issue">
              {issue.field ? `${issue.field}: ` : ''}
              {issue.message}
            </div>
          ))}
        {api?.hint && <div>{api.hint}</div>}
        {api?.requestId && (
          <div className="problem-id">
            {text.errors.requestId} {api.requestId}
          </div>
        )}
      </div>
    </div>
  );
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.offline) return text.errors.offlineBody;
  return error instanceof Error ? error.message : String(error);
}
