// What was imported lately, from the log of operations. Starts and steers no import.
import { useQuery } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';
import { Link } from 'wouter';
import { history } from '../api/endpoints';
import { keys } from '../api/queries';
import { words } from '../text/admin';
import { Operations } from '../ui/Operations';
import { Empty, Failure, Loading } from '../ui/states';

const ASK_AGAIN_MS = 5_000;
const SHOWN_MAX = 10;

export function RecentImports() {
  const found = useQuery({
    queryKey: [...keys.operations, 'imports'],
    queryFn: async () => (await history.operations()).operations.filter((one) => one.reason === 'import').slice(0, SHOWN_MAX),
    refetchOnMount: 'always',
    refetchInterval: ASK_AGAIN_MS,
  });
  if (found.isPending) return <Loading rows={3} />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (found.data?.length === 0) {
    return <Empty icon={<FileUp size={28} />} title={words.jobs.importsEmpty} body={words.jobs.importsEmptyBody} />;
  }
  return (
    <>
      <Operations operations={found.data ?? []} />
      <p className="hint">
        <Link to="/activity">{words.jobs.allActivity}</Link>
      </p>
    </>
  );
}
