// A dialog that is there only while it is open: what was typed into it goes with it, and the focus goes back where it came from.
import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

/** What had the focus when the dialog opened; of an item of a menu, the button that opened the menu. */
function origin(): HTMLElement | null {
  const focused = document.activeElement;
  const opener = focused?.closest('[role=menu]')?.getAttribute('aria-labelledby');
  const found = opener ? document.getElementById(opener) : focused;
  return found instanceof HTMLElement ? found : null;
}

export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [from] = useState(origin);
  useEffect(
    () => () => {
      setTimeout(() => {
        if (document.querySelector('[role=dialog]')) return;
        (from?.isConnected ? from : document.getElementById('main'))?.focus();
      });
    },
    [from],
  );
  return <Modal {...props} opened />;
}
