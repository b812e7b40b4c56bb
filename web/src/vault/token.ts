// What can be known of a token before it is used. Whoever manages the vault may look; others find out by using it.
import { mayAdminister } from '../api/queries';
import { vault } from '../api/vault';
import type { SecretInfo } from '../api/wire';
import { useMe } from '../shell/Shell';
import { words } from '../text/vault';

/** Looks a token up for those who may; refuses one that belongs to another secret than the one that is open. */
export function useLook(secret: SecretInfo | undefined): (token: string) => Promise<SecretInfo | undefined> {
  const may = mayAdminister(useMe());
  return async (token) => {
    if (!may) return undefined;
    const found = await vault.byToken(token);
    if (found && secret && found.id !== secret.id) throw new Error(words.reveal.mismatch);
    return found;
  };
}
