// Files that are dropped beside every place that takes them. Where tables are listed and made, the first becomes a table; where a file is imported,
// it is that file; elsewhere nothing happens. Above all the browser does not leave the page to show it.
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { mayImport, useMayMakeTables } from '../access/rights';
import { dragsFiles } from '../files/around';
import { hand, keep } from '../ui/handed';
import { useMe } from './Shell';

const TO_TABLE = ['/', '/new'];
const IMPORTS = /^\/t\/[^/]+\/import$/;

export function StrayFiles() {
  const [location, navigate] = useLocation();
  const me = useMe();
  const mayMake = useMayMakeTables();
  const makes = mayMake && mayImport(me) && TO_TABLE.includes(location);
  const takes = makes || IMPORTS.test(location);
  useEffect(() => {
    const light = (on: boolean) => document.getElementById('main')?.toggleAttribute('data-over', on);
    const stray = (event: DragEvent): DataTransfer | null => {
      if (event.defaultPrevented || !event.dataTransfer || !dragsFiles(event.dataTransfer)) return null;
      event.preventDefault();
      return event.dataTransfer;
    };
    const onOver = (event: DragEvent) => {
      const data = stray(event);
      const here = data !== null && takes && !document.querySelector('[role=dialog]');
      light(here);
      if (data) data.dropEffect = here ? 'copy' : 'none';
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) light(false);
    };
    const onDrop = (event: DragEvent) => {
      const file = stray(event)?.files[0];
      light(false);
      if (!file || !takes || document.querySelector('[role=dialog]')) return;
      if (hand(file) || !makes) return;
      keep(file);
      navigate('/new?from=file');
    };
    window.addEventListener('dragover', onOver);
    window.addEventListener('dragleave', onLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      window.removeEventListener('dragover', onOver);
      window.removeEventListener('dragleave', onLeave);
      window.removeEventListener('drop', onDrop);
      light(false);
    };
  }, [takes, makes, navigate]);
  return null;
}
