// A place to drop a file on, or to choose one.
import { Button } from '@mantine/core';
import { FileUp } from 'lucide-react';
import { useRef, useState } from 'react';

interface DropProps {
  accept: string;
  title: string;
  choose: string;
  hint: string;
  take: (file: File) => void;
}

export function DropFile(props: DropProps) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <div
      className="drop"
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer.files[0];
        if (file) props.take(file);
      }}
    >
      <FileUp size={28} aria-hidden />
      <p>{props.title}</p>
      <Button size="sm" onClick={() => input.current?.click()}>
        {props.choose}
      </Button>
      <p className="dimmed">{props.hint}</p>
      <input
        ref={input}
        type="file"
        accept={props.accept}
        className="visually-hidden"
        tabIndex={-1}
        aria-label={props.choose}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = '';
          if (file) props.take(file);
        }}
      />
    </div>
  );
}
