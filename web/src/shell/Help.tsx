// The keyboard map and where to learn more.
import { Kbd, Modal } from '@mantine/core';
import { text } from '../text/en';

export const mac = /Mac|iPhone|iPad/.test(navigator.platform);

function Keys({ combination }: { combination: string }) {
  const shown = mac ? combination.replaceAll('Ctrl', '⌘').replaceAll('Alt', '⌥') : combination;
  return (
    <>
      {shown.split(' / ').map((one, i) => (
        <span key={one}>
          {i > 0 && ' / '}
          {one.split('+').map((key, j) => (
            <span key={key}>
              {j > 0 && '+'}
              <Kbd size="xs">{key}</Kbd>
            </span>
          ))}
        </span>
      ))}
    </>
  );
}

export function Help({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={text.help.title}
      size="xl"
    >
      <KeyboardMap />
    </Modal>
  );
}

/** Every key that does something, by what it is for. */
export function KeyboardMap() {
  return (
    <div className="help">
      {text.help.groups.map((group) => (
        <section key={group.title}>
          <h3>{group.title}</h3>
          <dl>
            {group.keys.map(([combination, meaning]) => (
              <div key={combination}>
                <dt>
                  <Keys combination={combination} />
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}
