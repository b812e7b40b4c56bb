// A wire between client and server that can be cut: passes bytes on to the real server, or nothing at all.
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { after } from 'node:test';
import { url } from './place.js';

export interface Wire {
  /** Where to connect to instead of the server. */
  url: string;
  /** Cuts every connection; new ones are taken. */
  cut(): void;
  /** Cuts every connection and takes no new ones until `mend`. */
  break(): void;
  mend(): void;
  /** How many connections there are. */
  readonly open: number;
}

/** A wire to the server; gone when the file's tests are over. */
export async function wire(): Promise<Wire> {
  const server = new URL(url);
  const ends = new Set<Socket>();
  let broken = false;
  const listener = createServer((near) => {
    if (broken) {
      near.destroy();
      return;
    }
    const far = connect(Number(server.port), server.hostname);
    const both = [near, far];
    for (const end of both) {
      ends.add(end);
      end.on('error', () => undefined);
      end.on('close', () => {
        ends.delete(end);
        for (const other of both) other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const end of ends) end.destroy();
  };
  after(() => {
    cut();
    listener.close();
  });
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    cut,
    break: () => {
      broken = true;
      cut();
    },
    mend: () => {
      broken = false;
    },
    get open() {
      return ends.size / 2;
    },
  };
}
