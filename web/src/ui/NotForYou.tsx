// A part of the page that is not open to somebody who is held to some tables or parts of them. Asks the server for nothing.
import { Lock } from 'lucide-react';
import { text } from '../text/en';
import { Empty } from './states';

export function NotForYou({ part }: { part?: boolean }) {
  return <Empty icon={<Lock size={28} />} title={text.errors.notForYou} body={part ? text.errors.partBody : text.errors.heldBody} />;
}
