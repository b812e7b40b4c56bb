// One thing done to several secrets, one after the other: those that refuse do not stop the rest, and it is said how many did.
// A refusal of the only one is thrown, for the dialog that asked.
import { words } from '../text/vault';
import { messageOf } from '../ui/states';
import { show, showError } from '../ui/toast';
import type { SecretInfo } from '../api/wire';
import type { Chosen } from './names';

export async function each(
  secrets: Chosen,
  job: (secret: SecretInfo) => Promise<unknown>,
  done: (count: number) => string,
): Promise<void> {
  const [only] = secrets;
  if (only && secrets.length === 1) {
    await job(only);
    show(done(1));
    return;
  }
  let count = 0;
  let why = '';
  for (const secret of secrets) {
    try {
      await job(secret);
      count += 1;
    } catch (error) {
      why ||= messageOf(error);
    }
  }
  if (why === '') show(done(count));
  else showError(words.removing.some(count, secrets.length, why));
}
