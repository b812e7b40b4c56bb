// A dialog that is there only while it is open: what was typed into it goes with it, and the focus goes back where it came from.
import { Modal, type ModalProps } from '@mantine/core';
import { useFocusBack } from './focus';

/** Of a dialog that holds what is shown this once: nothing but its button closes it, so that no stray key or click loses it. */
export const HELD = { closeOnClickOutside: false, closeOnEscape: false, withCloseButton: false };

/** The kit moves the focus a moment later; until then, what is typed would go to the page behind. */
const focusAtOnce = (within: HTMLElement | null) => within?.querySelector<HTMLElement>('[data-autofocus]')?.focus({ preventScroll: true });

export function Dialog({ children, ...props }: Omit<ModalProps, 'opened'>) {
  useFocusBack();
  return (
    <Modal {...props} opened>
      <div ref={focusAtOnce} className="contents">
        {children}
      </div>
    </Modal>
  );
}
