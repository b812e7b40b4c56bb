// Putting a text where it can be pasted from, and saying so. Copies no cells: those go in more than one form.
import { text } from '../text/en';
import { show, showError } from './toast';

/** Whether a page may write to the clipboard: only over https, or on this machine. */
export const hasClipboard = (): boolean => typeof navigator.clipboard?.writeText === 'function';

/** Whether the browser took it. */
export async function taken(value: string): Promise<boolean> {
  if (!hasClipboard()) return false;
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return false;
  }
}

/** Copies, and says `said`, or why it was not copied. */
export function copy(value: string, said: string): void {
  void taken(value).then((done) => (done ? show(said) : showError(text.common.notCopied)));
}
