// Jobs: long work that goes on in the server, and the endpoints to start and steer it. Passwords go in bodies and are kept nowhere.
import { call } from './http';

export type JobKind = 'changePassword' | 'rotateKey' | 'verify' | 'purge';
export type JobState = 'running' | 'paused' | 'waiting' | 'done' | 'cancelled' | 'failed';

export interface Job {
  id: string;
  kind: JobKind;
  state: JobState;
  dryRun: boolean;
  params?: { deletedBefore?: string | null; newPassword?: boolean | null } | null;
  seen: number;
  total: number;
  done: number;
  skipped: number;
  failed: number;
  conflicts: number;
  rate: number;
  leftMs?: number | null;
  error?: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface JobStart {
  kind: JobKind;
  oldPassword?: string;
  newPassword?: string;
  deletedBefore?: string;
  dryRun: boolean;
  batch?: number;
  rowsPerSecond?: number;
}

const path = (id: string) => `/api/jobs/${encodeURIComponent(id)}`;

export const jobs = {
  list: async () => (await call<{ jobs: Job[] }>('/api/jobs')).jobs,
  start: (body: JobStart) => call<Job>('/api/vault/jobs', { method: 'POST', json: body }),
  pause: (id: string) => call<Job>(`${path(id)}/pause`, { method: 'POST' }),
  cancel: (id: string) => call<Job>(`${path(id)}/cancel`, { method: 'POST' }),
  resume: (id: string, passwords?: { oldPassword: string; newPassword?: string }) =>
    call<Job>(`${path(id)}/resume`, { method: 'POST', json: passwords ?? {} }),
};
