// What somebody may do where, in a few words, for lists.
import type { Grant } from '../api/wire';
import '../styles/grants.css';
import { grantsInWords, inShort } from './sentence';
import { useKnown } from './useKnown';

export function GrantsShort({ grants }: { grants: Grant[] }) {
  const known = useKnown(grants);
  if (grants.length === 0) return null;
  return (
    <span className="grants-short" title={grantsInWords(grants, known).join('\n')}>
      {inShort(grants, known)}
    </span>
  );
}
