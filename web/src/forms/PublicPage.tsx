// The page of a form for people without an account. Loads nothing of the application, and asks the server as nobody.
import { Title } from '@mantine/core';
import { FileX } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { PublicForm } from '../api/formWire';
import { ApiError, call } from '../api/http';
import type { Data } from '../api/wire';
import { Logo } from '../shell/Logo';
import '../styles/forms.css';
import { words } from '../text/forms';
import { Empty, Failure, Loading } from '../ui/states';
import { FilledForm } from './FilledForm';

/** `/f/{table}/{form}`, as it stands in the address. */
const [table = '', form = ''] = location.pathname.split('/').slice(2);
const path = `/api/forms/${table}/${form}`;

export default function PublicPage() {
  const [shown, setShown] = useState<PublicForm | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    setError(null);
    call<PublicForm>(path, { stranger: true }).then(setShown, setError);
  }, [asked]);
  const missing = error instanceof ApiError && (error.status === 404 || error.status === 400);
  useEffect(() => {
    document.title = shown ? shown.name : missing ? words.fill.none : words.title;
  }, [shown, missing]);
  const send = async (data: Data) => {
    const answer = await call<{ thanks: string }>(path, { method: 'POST', json: { data }, stranger: true });
    return answer.thanks;
  };
  return (
    <main className="form-page">
      <div className="form-sheet">
        {missing ? (
          <Empty alone icon={<FileX size={28} />} title={words.fill.none} body={words.fill.noneBody} />
        ) : error ? (
          <Failure alone error={error} retry={() => setAsked(asked + 1)} />
        ) : shown ? (
          <FilledForm form={shown} send={send} />
        ) : (
          <>
            <Title order={1} className="visually-hidden">
              {words.title}
            </Title>
            <Loading rows={5} height={44} />
          </>
        )}
      </div>
      <p className="form-made">
        <Logo size={18} /> {words.fill.made}
      </p>
    </main>
  );
}
