// What is sent to a server that does not answer, until it does.
import { ApiError, currentReach } from '../api/http';

/** How often it is looked whether the server answers again, in ms. */
const REACH_MS = 500;

/** Done once the server answers again. Meanwhile whoever closes the page is asked. */
function reached(): Promise<void> {
  return new Promise((done) => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    const look = () => {
      if (currentReach() === 'offline') return;
      clearInterval(timer);
      window.removeEventListener('beforeunload', ask);
      done();
    };
    const timer = setInterval(look, REACH_MS);
  });
}

/** Sends until the server answers; `arrived` tells from a refusal that what was sent before has arrived, `waits` is called once. */
export async function untilReached<T>(send: () => Promise<T>, arrived: (refusal: ApiError) => T | undefined, waits: () => void): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const there = tries > 0 ? arrived(error) : undefined;
      if (there !== undefined) return there;
      if (!error.offline) throw error;
      if (tries === 0) waits();
      await reached();
    }
  }
}
