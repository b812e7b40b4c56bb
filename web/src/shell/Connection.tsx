// Says whether the server can be reached; asks again by itself while it cannot.
import { useEffect, useSyncExternalStore } from 'react';
import { live } from '../api/live';
import { currentReach, onReachChange, probe } from '../api/http';
import { queryClient } from '../api/queries';
import { text } from '../text/en';

const ASK_AGAIN_MS = 4_000;

export function useReach() {
  return useSyncExternalStore(onReachChange, currentReach);
}

export function Connection() {
  const reach = useReach();
  const isLive = useSyncExternalStore(live.subscribeState, live.isLive);
  useEffect(() => {
    const ask = () => void probe();
    window.addEventListener('online', ask);
    window.addEventListener('offline', ask);
    return () => {
      window.removeEventListener('online', ask);
      window.removeEventListener('offline', ask);
    };
  }, []);
  useEffect(() => {
    if (reach === 'online') {
      void queryClient.refetchQueries({ type: 'active', predicate: (q) => q.state.status === 'error' });
      return;
    }
    const timer = setInterval(() => void probe(), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [reach]);
  return (
    <span className="connection" data-reach={reach} data-live={isLive || undefined} role="status">
      <span className="connection-dot" aria-hidden />
      <span className="connection-label">
        {reach !== 'online' ? text.shell.offline : isLive ? text.shell.live : text.shell.online}
      </span>
    </span>
  );
}
